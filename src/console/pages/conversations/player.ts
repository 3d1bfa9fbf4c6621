/** What a player is doing. */
export interface PlayerState {
  playing: boolean;
  /** The browser cannot play the recording. */
  failed: boolean;
  /** Seconds of the recording, once the browser knows; null without one. */
  duration: number | null;
}

/** Plays a recording of this browser, and knows where it stands; without a recording it is a position alone. */
export class Player {
  private readonly audio = new Audio();
  private readonly listeners = new Set<() => void>();
  private readonly watchers = new Set<(position: number) => void>();
  private current: PlayerState = { playing: false, failed: false, duration: null };
  private place = 0;
  private address: string | null = null;
  private frame = 0;

  constructor() {
    const { audio } = this;
    audio.preload = 'metadata';
    audio.addEventListener('play', () => {
      this.become({ playing: true });
      this.follow();
    });
    audio.addEventListener('pause', () => this.become({ playing: false }));
    audio.addEventListener('error', () => {
      if (this.address !== null) this.become({ playing: false, failed: true });
    });
    audio.addEventListener('loadedmetadata', () => {
      // Recordings of a browser's own recorder do not say how long they are.
      this.become({ duration: Number.isFinite(audio.duration) ? audio.duration : null });
      if (this.place > 0) audio.currentTime = this.place;
    });
    audio.addEventListener('seeked', () => this.moved(audio.currentTime));
  }

  /** A recording, or none any more. */
  load(file: File | null): void {
    this.unload();
    this.become({ playing: false, failed: false, duration: null });
    if (!file) return;
    this.address = URL.createObjectURL(file);
    this.audio.src = this.address;
  }

  unload(): void {
    cancelAnimationFrame(this.frame);
    const { address } = this;
    this.address = null;
    if (address === null) return;
    this.audio.pause();
    this.audio.removeAttribute('src');
    this.audio.load();
    URL.revokeObjectURL(address);
  }

  get state(): PlayerState {
    return this.current;
  }

  /** Seconds from the beginning. */
  get position(): number {
    return this.place;
  }

  toggle(): void {
    if (this.audio.paused) this.play();
    else this.audio.pause();
  }

  play(): void {
    if (this.address === null || this.current.failed) return;
    this.audio.play().catch((error: unknown) => {
      // Paused, or another recording loaded, before it began.
      if (error instanceof DOMException && error.name === 'AbortError') return;
      this.become({ playing: false, failed: true });
    });
  }

  seek(seconds: number): void {
    const to = Math.max(0, seconds);
    if (this.address !== null && !this.current.failed) this.audio.currentTime = to;
    this.moved(to);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Told where it stands, for each frame while it plays. */
  watch(watcher: (position: number) => void): () => void {
    this.watchers.add(watcher);
    watcher(this.place);
    return () => this.watchers.delete(watcher);
  }

  private follow(): void {
    cancelAnimationFrame(this.frame);
    this.moved(this.audio.currentTime);
    if (!this.audio.paused) this.frame = requestAnimationFrame(() => this.follow());
  }

  private moved(position: number): void {
    this.place = position;
    for (const watcher of this.watchers) watcher(position);
  }

  private become(change: Partial<PlayerState>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener();
  }
}
