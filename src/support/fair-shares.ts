/**
 * Places, or bytes, of a limited number, shared between those who ask for them. One source alone may have `limit`; what
 * lies beyond, `reserve`, is for sources that hold less than an equal share, so that nobody is kept out by another who
 * takes all there is.
 */
export class FairShares {
  private taken = 0;
  private readonly bySource = new Map<string, number>();

  constructor(
    private readonly limit: number,
    private readonly reserve: number,
  ) {}

  /** Of all sources. */
  get inUse(): number {
    return this.taken;
  }

  /** False, and nothing is taken, where there is no room for this source. */
  take(source: string, amount = 1): boolean {
    const own = this.bySource.get(source) ?? 0;
    const all = this.limit + this.reserve;
    // As if one more were to come: a source alone does not take what is kept for others.
    const sources = this.bySource.size + (own === 0 ? 2 : 1);
    const equal = Math.max(1, Math.floor(all / sources));
    if (this.taken + amount > (own + amount <= equal ? all : this.limit)) return false;
    this.taken += amount;
    this.bySource.set(source, own + amount);
    return true;
  }

  /** What was taken before. */
  give(source: string, amount = 1): void {
    if (amount === 0) return;
    const left = (this.bySource.get(source) ?? 0) - amount;
    this.taken -= amount;
    if (left > 0) this.bySource.set(source, left);
    else this.bySource.delete(source);
  }
}
