import { Injectable } from '@nestjs/common';
import type { EmbedOptions, EmbedResult } from '../../addon/types.js';
import type { Scorer } from '../../scoring/scorer.js';
import type { AuditEvent } from '../records/audit-entry.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Config } from '../config/config.js';
import { floorsOf } from '../config/floors.js';
import { viewOf } from '../embeddings/embeddings.service.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { boundUids } from '../records/bound.js';
import { groupNotFound } from '../records/group.js';
import { speakerNotFound, type Speaker } from '../records/speaker.js';
import type { Recording } from '../uploads/recording.js';
import { chosen } from '../uploads/selection.js';
import { toScoreView } from '../verification/verification.dto.js';
import { CurrentModel } from '../voices/current-model.js';
import { checkEmbedding } from '../records/embedding.js';
import { WatchLists } from '../watch/watch-lists.js';
import { sideOf, VoiceIndex, type Among } from '../voices/voice-index.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import type { IdentificationView, IdentifyFields } from './identification.dto.js';

/** A recording that was heard, by what it is decided, and what is told. */
interface Question {
  heard: EmbedResult;
  /** Of the loaded model's length. */
  query: Float32Array;
  view: IdentificationView['recording'];
  scorer: Scorer;
  among: Among;
  top: number;
  /** Whether to tell whom a stranger's voice is nearest to. */
  nearest: boolean;
}

/** Who of the enrolled speakers is it, if any? */
@Injectable()
export class IdentificationService {
  constructor(
    private readonly engine: EmbeddingEngine,
    private readonly gallery: VoiceIndex,
    private readonly store: UnitOfWork,
    private readonly model: CurrentModel,
    private readonly watch: WatchLists,
    private readonly trail: AuditTrail,
    private readonly config: Config,
  ) {}

  /**
   * `nearest`: whether to tell whom a stranger's voice is nearest to, which is a way to search for people.
   * Errors: SPEAKER_NOT_FOUND for a candidate whom nobody knows, GROUP_NOT_FOUND, also where the group is deleted while the
   * recording is heard, INVALID_ARGUMENT for a rate that the model has no
   * threshold for, those of the recording, of the model and of the
   * storage.
   */
  async identify(
    recording: Recording,
    { top, candidates, group, falseAcceptRate, ...part }: IdentifyFields,
    bounds: EmbedOptions,
    nearest: boolean,
  ): Promise<IdentificationView> {
    await this.gallery.loaded();
    const scorer = this.engine.scorerAt(falseAcceptRate);
    const among = { candidates, groups: await this.groups(group) };
    if (candidates) await this.requireAll(candidates);
    const heard = await this.engine.embedAdmitted(recording.audio, { ...bounds, ...chosen(part) });
    const query = checkEmbedding(heard.embedding, this.model.dimension());
    const view = viewOf(recording, heard);
    try {
      if (group !== undefined) await this.groups(group);
      return await this.decide({ heard, query, view, scorer, among, top, nearest });
    } finally {
      this.watch.heard([{ embedding: query, seconds: heard.speech.seconds, from: 'identification' }]);
    }
  }

  private async decide({ heard, query, view, scorer, among, top, nearest }: Question): Promise<IdentificationView> {
    // The second speaker tells the margin, and how many resemble the recording, even where only the first is asked for.
    const found = await this.gallery.search(query, Math.max(2, top), among);
    // Behind the search, which reads what others have changed.
    const gallerySize = await this.gallery.countOf(among);
    const nobody: IdentificationView = {
      decision: 'NOT_ENROLLED',
      missingSpeechSeconds: null,
      speakerId: null,
      falseAcceptRate: null,
      threshold: null,
      thresholdFrom: null,
      extrapolated: null,
      margin: null,
      ranking: [],
      gallerySize,
      model: heard.model,
      recording: view,
    };
    if (gallerySize === 0) return this.nobody(nobody);
    const missing = floorsOf(this.config).match - heard.speech.seconds;
    if (missing > 0) return this.nobody({ ...nobody, decision: 'NOT_ENOUGH_SPEECH', missingSpeechSeconds: missing });

    const known = await this.find(found.map(({ speakerId }) => speakerId));
    // Whoever was erased, has opted out or has left the group since is not found any more.
    const matches = found.flatMap((match) => {
      const speaker = known.get(match.speakerId);
      if (!speaker || speaker.optedOutAt) return [];
      return belongs(speaker, among.groups) ? [{ ...match, speaker }] : [];
    });
    const [first, second] = matches;
    if (!first) return this.nobody(nobody);
    const side = scorer.side(query, { seconds: heard.speech.seconds });
    const ranking = matches.map(({ speaker, ...voice }) => ({
      speaker,
      score: scorer.compare(side, scorer.side(voice.centroid, sideOf(voice))),
    }));
    const answer = scorer.openSet(ranking[0]!.score, ranking[1]?.score ?? null, gallerySize);
    const { decision } = answer;
    if (decision === 'ACCEPT') this.trail.matched(first.speaker, eventOf(decision));
    else this.trail.unmatched(eventOf(decision));
    return {
      ...nobody,
      decision,
      speakerId: decision === 'ACCEPT' ? first.speakerId : null,
      falseAcceptRate: answer.falseAcceptRate,
      thresholdFrom: scorer.thresholdFrom,
      ...(decision === 'REJECT' && !nearest
        ? {}
        : {
            // The threshold says how near the second is.
            threshold: answer.thresholdLlr,
            extrapolated: answer.extrapolated,
            margin: second ? first.cosine - second.cosine : null,
            ranking: ranking.slice(0, top).map(({ speaker: { id: speakerId, name }, score }, i) => {
              return { rank: i + 1, speakerId, name, score: toScoreView(score) };
            }),
          }),
    };
  }

  private nobody(view: IdentificationView): IdentificationView {
    this.trail.unmatched(eventOf(view.decision));
    return view;
  }

  /** Those whose members are searched, by uid; undefined for everybody. Errors: GROUP_NOT_FOUND. */
  private async groups(id: string | undefined): Promise<string[] | undefined> {
    if (id === undefined) return boundUids();
    const found = await this.store.read(({ groups }) => groups.find(id.normalize('NFC')));
    if (!found) throw groupNotFound(id);
    return [found.uid];
  }

  private async requireAll(ids: readonly string[]): Promise<void> {
    const known = await this.find(ids);
    const unknown = ids.find((id) => !known.has(id));
    if (unknown !== undefined) throw speakerNotFound(unknown);
  }

  private async find(ids: readonly string[]): Promise<Map<string, Speaker>> {
    const speakers = await this.store.readOne((records) => records.speakers.findMany(ids));
    return new Map(speakers.map((speaker) => [speaker.id, speaker]));
  }
}

function belongs({ groups: own }: Speaker, groups: readonly string[] | undefined): boolean {
  return !groups || own.some(({ uid }) => groups.includes(uid));
}

function eventOf(decision: IdentificationView['decision']): AuditEvent {
  return { action: 'voice.identified', outcome: decision ?? 'UNDECIDED' };
}
