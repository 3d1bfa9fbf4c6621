import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Compared byte by byte: in the order of code points, whatever language the database is for. */
const TEXT = 'text COLLATE "C"';

const TABLES = [
  `CREATE TABLE "unknown_voices" (
    "id" ${TEXT} NOT NULL,
    "state" ${TEXT} NOT NULL,
    "created_at" bigint NOT NULL,
    "updated_at" bigint NOT NULL,
    "version" bigint NOT NULL,
    "model" ${TEXT} NOT NULL,
    "front_end" ${TEXT} NOT NULL,
    "speech_ms" bigint NOT NULL,
    "shares" bigint NOT NULL,
    "first_heard_at" bigint NOT NULL,
    "last_heard_at" bigint NOT NULL,
    "speaker_id" ${TEXT},
    "merged_into" ${TEXT},
    "bound_to" ${TEXT},
    PRIMARY KEY ("id"),
    CONSTRAINT "unknown_voices_by_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id") ON DELETE CASCADE,
    CONSTRAINT "unknown_voices_by_merge" FOREIGN KEY ("merged_into") REFERENCES "unknown_voices" ("id") ON DELETE CASCADE
  )`,
  `CREATE INDEX "unknown_voices_in_order" ON "unknown_voices" ("state", "speech_ms", "id")`,
  `CREATE INDEX "unknown_voices_by_age" ON "unknown_voices" ("state", "last_heard_at")`,
  `CREATE INDEX "unknown_voices_of_model" ON "unknown_voices" ("model", "front_end", "id")`,
  `CREATE INDEX "unknown_voices_of_speaker" ON "unknown_voices" ("speaker_id", "id")`,
  `CREATE INDEX "unknown_voices_merged" ON "unknown_voices" ("merged_into")`,
  `CREATE TABLE "unknown_voice_shares" (
    "id" ${TEXT} NOT NULL,
    "voice_id" ${TEXT} NOT NULL,
    "conversation_id" ${TEXT},
    "label" ${TEXT} NOT NULL,
    "heard_at" bigint NOT NULL,
    "own_seconds" double precision NOT NULL,
    "intervals" ${TEXT} NOT NULL,
    "model" ${TEXT} NOT NULL,
    "front_end" ${TEXT} NOT NULL,
    "embedding" bytea NOT NULL,
    PRIMARY KEY ("id"),
    CONSTRAINT "unknown_voice_shares_of_voice" FOREIGN KEY ("voice_id") REFERENCES "unknown_voices" ("id") ON DELETE CASCADE,
    CONSTRAINT "unknown_voice_shares_of_conversation" FOREIGN KEY ("conversation_id") REFERENCES "conversations" ("id") ON DELETE CASCADE
  )`,
  `CREATE INDEX "unknown_voice_shares_in_order" ON "unknown_voice_shares" ("voice_id", "heard_at", "id")`,
  `CREATE UNIQUE INDEX "unknown_voice_shares_by_conversation" ON "unknown_voice_shares" ("conversation_id", "label")`,
  `CREATE TABLE "unknown_voice_steps" (
    "id" ${TEXT} NOT NULL,
    "voice_id" ${TEXT} NOT NULL,
    "other_id" ${TEXT},
    "created_at" bigint NOT NULL,
    "by" ${TEXT} NOT NULL,
    "action" ${TEXT} NOT NULL,
    "reason" ${TEXT},
    "detail" ${TEXT} NOT NULL,
    "undone_at" bigint,
    "undone_by" ${TEXT},
    PRIMARY KEY ("id"),
    CONSTRAINT "unknown_voice_steps_of_voice" FOREIGN KEY ("voice_id") REFERENCES "unknown_voices" ("id") ON DELETE CASCADE
  )`,
  `CREATE INDEX "unknown_voice_steps_in_order" ON "unknown_voice_steps" ("voice_id", "created_at", "id")`,
  `CREATE INDEX "unknown_voice_steps_with_other" ON "unknown_voice_steps" ("other_id", "created_at", "id")`,
];

/** Voices of conversations that got no name: what each conversation has of them, and every step about them. */
export class UnknownVoices1765100000000 implements MigrationInterface {
  readonly name = 'UnknownVoices1765100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "receipts" ADD COLUMN "unknown_voices" bigint NOT NULL DEFAULT 0`);
    for (const statement of TABLES) await runner.query(statement);
    const own = `SET search_path = "${(await runner.getCurrentSchema())!}", pg_temp`;
    await runner.query(`
      CREATE FUNCTION "unknown_voice_shares_counted"() RETURNS trigger LANGUAGE plpgsql ${own} AS $$ BEGIN
        UPDATE "counters" SET "value" = "value" + (CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END) WHERE "name" = 'vectors';
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER "unknown_voice_shares_counted" AFTER INSERT OR DELETE ON "unknown_voice_shares"
        FOR EACH ROW EXECUTE FUNCTION "unknown_voice_shares_counted"()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "unknown_voice_steps"`);
    // Row by row, for the counter.
    await runner.query(`DELETE FROM "unknown_voice_shares"`);
    for (const table of ['unknown_voice_shares', 'unknown_voices']) await runner.query(`DROP TABLE "${table}"`);
    await runner.query(`DROP FUNCTION "unknown_voice_shares_counted"`);
    await runner.query(`ALTER TABLE "receipts" DROP COLUMN "unknown_voices"`);
  }
}
