import type { EmbedOptions } from '../../src/addon/types.js';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditTrail } from '../../src/service/audit/audit-trail.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { ConsentPolicy } from '../../src/service/consent/consent-policy.js';
import { ConsentService } from '../../src/service/consent/consent.service.js';
import { EnrollmentsService } from '../../src/service/enrollments/enrollments.service.js';
import { Duplicates } from '../../src/service/enrollments/duplicates.js';
import { ImportService } from '../../src/service/enrollments/import.service.js';
import { HealthService } from '../../src/service/enrollments/health.service.js';
import { DuplicatesService } from '../../src/service/profiles/duplicates.service.js';
import { ProfileKeeper } from '../../src/service/enrollments/profile-keeper.js';
import { GroupsService } from '../../src/service/groups/groups.service.js';
import { IdentificationService } from '../../src/service/identification/identification.service.js';
import type { IdentificationView } from '../../src/service/identification/identification.dto.js';
import type { Database } from '../../src/service/persistence/sqlite/database.js';
import type { Store } from '../../src/service/persistence/common/store.js';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { SpeakersService } from '../../src/service/speakers/speakers.service.js';
import type { Recording } from '../../src/service/uploads/recording.js';
import { Spool } from '../../src/service/uploads/spool.js';
import type { VoiceIndex } from '../../src/service/voices/voice-index.js';
import type { Metrics } from '../../src/service/metrics/metrics.service.js';
import { LearningService } from '../../src/service/profiles/learning.service.js';
import { LedgerService } from '../../src/service/profiles/ledger.service.js';
import { MergeService } from '../../src/service/profiles/merge.service.js';
import { WaitingSweep } from '../../src/service/profiles/waiting-sweep.js';
import { VerificationService } from '../../src/service/verification/verification.service.js';
import { UnknownVoicesService } from '../../src/service/unknown-voices/unknown-voices.service.js';
import { VoiceKeeper } from '../../src/service/unknown-voices/voice-keeper.js';
import { WatchLists } from '../../src/service/watch/watch-lists.js';
import { CurrentModel } from '../../src/service/voices/current-model.js';
import { KeptBundle } from '../../src/service/engine/kept-bundle.js';
import { LastModel } from '../../src/service/voices/last-model.js';
import { RecordingsService } from '../../src/service/recordings/recordings.service.js';
import type { KeptAudio } from '../../src/service/records/kept-audio.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { ReEmbeddingService } from '../../src/service/re-embedding/re-embedding.service.js';
import type { Traffic } from '../../src/service/http/traffic.js';
import { closeStore, fileOf, keptAudioOf, maintenanceOf, openStore, voiceIndexOf } from './stores.js';
import { HandClock } from './hand-clock.js';
import { ScriptedEngine, type Script } from './scripted-engine.js';

/** How many voices a gallery has, and how many it has set aside. */
export function sizesOf({ report: { voices, setAside } }: VoiceIndex): [number, number] {
  return [voices, setAside];
}

/** The services as the application wires them, on a database file and the native gallery. */
export class House {
  readonly engine: ScriptedEngine;
  readonly store: TypeOrmUnitOfWork;
  readonly model: CurrentModel;
  readonly trail: AuditTrail;
  readonly consent: ConsentService;
  readonly groups: GroupsService;
  readonly speakers: SpeakersService;
  readonly audio: KeptAudio;
  readonly recordings: RecordingsService;
  readonly enrollments: EnrollmentsService;
  readonly reEmbedding: ReEmbeddingService;
  readonly learning: LearningService;
  readonly ledger: LedgerService;
  readonly health: HealthService;
  readonly imports: ImportService;
  readonly seeker: DuplicatesService;
  readonly merging: MergeService;
  readonly sweep: WaitingSweep;
  readonly clock = new HandClock();
  /** What was counted, by its name and label. */
  readonly counted: string[] = [];
  readonly watch: WatchLists;
  readonly keeper: VoiceKeeper;
  readonly unknown: UnknownVoicesService;
  readonly verification: VerificationService;
  readonly identification: IdentificationService;

  private constructor(
    readonly folder: string,
    readonly database: Store,
    engine: ScriptedEngine,
    model: CurrentModel,
    readonly feed: TableChangeFeed,
    readonly gallery: VoiceIndex,
    config: Config,
  ) {
    const store = new TypeOrmUnitOfWork(database);
    const policy = new ConsentPolicy(config);
    const trail = new AuditTrail(store, config);
    this.model = model;
    this.engine = engine;
    this.store = store;
    this.trail = trail;
    const maintenance = maintenanceOf(database);
    this.speakers = new SpeakersService(store, model, maintenance, new Spool(config));
    this.groups = new GroupsService(store, maintenance);
    this.consent = new ConsentService(store, maintenance);
    const keeper = new ProfileKeeper(model);
    const duplicates = new Duplicates(engine, this.gallery, config);
    this.health = new HealthService(store, engine, this.gallery);
    this.imports = new ImportService(store, engine, model, keeper, policy, config);
    this.seeker = new DuplicatesService(store, model, duplicates);
    const metrics = {
      counter: (name: string) => (of: string) => void this.counted.push(`${name} ${of}`),
      gauges: () => undefined,
    } as unknown as Metrics;
    this.audio = keptAudioOf(database, folder);
    this.recordings = new RecordingsService(store, this.audio, maintenance, new FolderLeader(), config, metrics);
    this.enrollments = new EnrollmentsService(
      store,
      engine,
      model,
      keeper,
      duplicates,
      maintenance,
      policy,
      this.recordings,
      trail,
      config,
    );
    const { clock } = this;
    const traffic = { onDrain: () => undefined } as unknown as Traffic;
    this.reEmbedding = new ReEmbeddingService(
      store,
      this.audio,
      engine,
      model,
      keeper,
      policy,
      new FolderLeader(),
      maintenance,
      this.feed,
      clock,
      traffic,
      metrics,
    );
    this.learning = new LearningService(
      store,
      engine,
      model,
      this.gallery,
      keeper,
      policy,
      maintenance,
      clock,
      config,
      metrics,
    );
    this.sweep = new WaitingSweep(store, this.learning, maintenance, clock, config, metrics);
    this.ledger = new LedgerService(store, keeper, this.learning, maintenance, metrics);
    this.merging = new MergeService(store, keeper, policy, maintenance, config);
    this.watch = new WatchLists(store, engine, this.gallery, clock, config, metrics);
    this.keeper = new VoiceKeeper(store, engine, model, config, metrics);
    this.unknown = new UnknownVoicesService(store, model, keeper, policy, trail, maintenance, config);
    const { learning, watch } = this;
    this.verification = new VerificationService(engine, this.speakers, model, learning, watch, trail, config);
    this.identification = new IdentificationService(engine, this.gallery, store, model, watch, trail, config);
  }

  static async open(folder: string, engine = new ScriptedEngine(), settings: ConfigInput = {}): Promise<House> {
    const database = await openStore(folder);
    const config = Config.of({ dataDir: folder, consent: 'optional', ...settings });
    const model = new CurrentModel(engine, config);
    const unitOfWork = new TypeOrmUnitOfWork(database);
    const feed = new TableChangeFeed(database);
    const gallery = await voiceIndexOf(database, { unitOfWork, feed, engine, model });
    const house = new House(folder, database, engine, model, feed, gallery, config);
    const kept = new KeptBundle(config);
    await new LastModel(house.store, engine, house.model, kept).onModuleInit();
    return house;
  }

  /** The SQLite file, for tests of what it alone does. */
  get file(): Database {
    return fileOf(this.database);
  }

  async close(): Promise<void> {
    await this.reEmbedding.onModuleDestroy();
    await this.recordings.onModuleDestroy();
    await this.watch.beforeApplicationShutdown();
    await this.trail.beforeApplicationShutdown();
    await closeStore(this.database);
  }

  /** A file as an upload leaves it. */
  async recording(script: Script | string): Promise<Recording> {
    const text = typeof script === 'string' ? script : JSON.stringify(script);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const audio = join(this.folder, `upload-${sha256}`);
    await writeFile(audio, text);
    return { field: 'audio', audio, filename: `${sha256.slice(0, 8)}.wav`, bytes: text.length, sha256 };
  }

  async enrol(speakerId: string, ...scripts: (Script | string)[]): ReturnType<EnrollmentsService['enrol']> {
    return this.enrolPart(speakerId, {}, ...scripts);
  }

  /** The same with a channel of each recording. */
  async enrolPart(
    speakerId: string,
    part: Pick<EmbedOptions, 'channel'>,
    ...scripts: (Script | string)[]
  ): ReturnType<EnrollmentsService['enrol']> {
    const recordings = await Promise.all(scripts.map((script) => this.recording(script)));
    return this.enrollments.enrol(speakerId, recordings, part);
  }

  /** A speaker with as many recordings of 10 seconds of one voice. */
  async enrolled(speakerId: string, voice: number, recordings = 3): Promise<void> {
    await this.speakers.create({ id: speakerId });
    await this.enrol(speakerId, ...Array.from({ length: recordings }, (_, seed) => ({ voice, seed })));
  }

  async verify(speakerId: string, script: Script, rate?: number): ReturnType<VerificationService['verify']> {
    return this.verification.verify(speakerId, await this.recording(script), {}, rate);
  }

  async identify(
    script: Script,
    top = 5,
    candidates?: string[],
    rate?: number,
    group?: string,
  ): Promise<IdentificationView> {
    const fields = { top, candidates, group, falseAcceptRate: rate };
    return this.identification.identify(await this.recording(script), fields, {}, true);
  }
}
