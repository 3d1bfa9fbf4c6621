import { randomUUID } from 'node:crypto';
import type { RecordedConsent } from '../records/consent.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import { isLearned, type EnrollmentInfo, type ExemplarKind } from '../records/enrollment.js';
import type { LedgerEntry } from '../records/ledger.js';
import type { Speaker } from '../records/speaker.js';
import type { VoiceRecords } from '../records/unit-of-work.js';

/** Speakers whose profiles have to be made anew, each as it is now, and of which models. */
export class Changed {
  private readonly speakers = new Map<string, { speaker: Speaker; origins: EmbeddingOrigin[] }>();

  add(speaker: Speaker, origins: readonly EmbeddingOrigin[]): void {
    const known = this.speakers.get(speaker.id) ?? { speaker, origins: [] };
    this.speakers.set(speaker.id, { ...known, origins: unique([...known.origins, ...origins]) });
  }

  /** The speaker as it was added, or as `replace` left it. */
  get(speaker: Speaker): Speaker {
    return this.speakers.get(speaker.id)?.speaker ?? speaker;
  }

  /** A speaker whose record was changed meanwhile. */
  replace(speaker: Speaker): void {
    const known = this.speakers.get(speaker.id);
    if (known) known.speaker = speaker;
    else this.add(speaker, []);
  }

  [Symbol.iterator](): IterableIterator<{ speaker: Speaker; origins: EmbeddingOrigin[] }> {
    return this.speakers.values();
  }
}

const PAGE = 500;

/** Every recording of a speaker. */
export function allOf({ enrollments }: VoiceRecords, speakerId: string): Promise<EnrollmentInfo[]> {
  return everyPage((after, limit) =>
    enrollments.page(speakerId, after && [after.createdAt.getTime(), after.id], limit),
  );
}

/** In a transaction, which gives nobody else a turn: so without steps. */
async function everyPage<Row>(read: (after: Row | null, limit: number) => Promise<Row[]>): Promise<Row[]> {
  const all: Row[] = [];
  for (;;) {
    const rows = await read(all.at(-1) ?? null, PAGE);
    all.push(...rows);
    if (rows.length < PAGE) return all;
  }
}

/** Whose recordings become whose. */
export interface Hands {
  from: Speaker;
  to: Speaker;
}

/**
 * Gives recordings to another speaker, with an entry in the ledgers of both; what the other has already stays and is set
 * aside. Gives the entry of whom it was asked of: of who gets them in a merge, of who loses them in a split.
 */
export async function moveRecordings(
  records: VoiceRecords,
  { from, to }: Hands,
  recordings: readonly EnrollmentInfo[],
  kind: 'merge' | 'split',
  { consentLifted }: { consentLifted: boolean },
): Promise<LedgerEntry> {
  const moved = await records.enrollments.move(
    recordings.map(({ id }) => id),
    from.id,
    to.id,
  );
  const kinds: Record<string, ExemplarKind> = {};
  if (kind === 'split') {
    // Somebody says whose they are: they were learned as the first one's.
    for (const one of recordings) if (isLearned(one) && moved.includes(one.id)) kinds[one.id] = one.kind;
    await records.enrollments.change(to.id, Object.keys(kinds), { kind: 'enrolled' });
  }
  const left = recordings.filter(({ id, setAside }) => !moved.includes(id) && setAside === null).map(({ id }) => id);
  await records.enrollments.change(from.id, left, { setAside: 'merged' });
  const changeId = randomUUID();
  const detail = {
    recordings: moved,
    ...(left.length > 0 ? { left } : {}),
    ...(Object.keys(kinds).length > 0 ? { kinds } : {}),
    ...(consentLifted ? { consentLifted } : {}),
  };
  const loses = await records.ledger.append({
    speakerId: from.id,
    action: kind === 'merge' ? 'merged-away' : 'split',
    changeId,
    detail: { ...detail, other: to.subject },
  });
  const gets = await records.ledger.append({
    speakerId: to.id,
    action: kind === 'merge' ? 'merged' : 'split-off',
    changeId,
    detail: { ...detail, other: from.subject },
  });
  return kind === 'merge' ? gets : loses;
}

/** Takes a move back, whichever of both it is asked of. False where the other person is not there; nothing was changed then. */
export async function undoMove(
  records: VoiceRecords,
  speaker: Speaker,
  entry: LedgerEntry,
  changed: Changed,
  now: Date,
): Promise<boolean> {
  const { action, detail, changeId } = entry;
  const [found] = await records.speakers.bySubject([detail.other ?? '']);
  const pair = await records.ledger.ofChange(changeId ?? '');
  if (!found || pair.length !== 2) return false;
  const other = changed.get(found);
  const got = action === 'merged' || action === 'split-off';
  const [has, had] = got ? [speaker, other] : [other, speaker];
  // Those that were deleted or given on since are not here.
  await records.enrollments.move(detail.recordings ?? [], has.id, had.id);
  await records.enrollments.change(had.id, detail.left ?? [], { setAside: null });
  for (const [id, kind] of Object.entries(detail.kinds ?? {})) await records.enrollments.change(had.id, [id], { kind });
  const replaced = pair.flatMap((one) => one.detail.replaced ?? []);
  for (const { id } of [had, has]) await records.enrollments.change(id, replaced, { setAside: null });
  for (const one of pair) await records.ledger.undone(one, now);
  changed.add(had, await originsOf(records, had));
  changed.add(has, await originsOf(records, has));
  if (detail.consentLifted) await giveConsentBack(records, has, changed, now);
  return true;
}

/** Of a speaker's recordings and profiles. */
export async function originsOf(records: VoiceRecords, speaker: Speaker): Promise<EmbeddingOrigin[]> {
  const ofRecordings = (await allOf(records, speaker.id)).map(({ origin }) => origin);
  return unique([...ofRecordings, ...(await records.profiles.origins(speaker.id))]);
}

/** Each once. */
export function unique(origins: readonly EmbeddingOrigin[]): EmbeddingOrigin[] {
  return [...new Map(origins.map((origin) => [JSON.stringify([origin.model, origin.frontEnd]), origin])).values()];
}

/** The last one that stands, unless another was recorded or the speaker has opted out since. */
async function giveConsentBack(records: VoiceRecords, { id }: Speaker, changed: Changed, now: Date): Promise<void> {
  const speaker = await records.speakers.find(id);
  if (!speaker || speaker.consent || speaker.optedOutAt) return;
  const all = await everyPage<RecordedConsent>((after, limit) =>
    records.consents.page(id, after && [after.recordedAt.getTime(), after.id], limit),
  );
  const last = all.filter(({ withdrawnAt }) => withdrawnAt === null).at(-1);
  if (!last) return;
  const { id: _, withdrawnAt: __, ...consent } = last;
  changed.replace(await records.speakers.update({ ...speaker, consent, updatedAt: now }));
  await records.audit.record({ action: 'consent.given', subject: speaker.subject });
}
