import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Voices of conversations that got no name: what each conversation has of them, and every step about them. */
export class UnknownVoices1765100000000 implements MigrationInterface {
  readonly name = 'UnknownVoices1765100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "receipts" ADD COLUMN "unknown_voices" integer NOT NULL DEFAULT (0)`);
    await runner.query(`
      CREATE TABLE "unknown_voices" (
        "id" text PRIMARY KEY NOT NULL,
        "state" text NOT NULL,
        "created_at" integer NOT NULL,
        "updated_at" integer NOT NULL,
        "version" integer NOT NULL,
        "model" text NOT NULL,
        "front_end" text NOT NULL,
        "speech_ms" integer NOT NULL,
        "shares" integer NOT NULL,
        "first_heard_at" integer NOT NULL,
        "last_heard_at" integer NOT NULL,
        "speaker_id" text,
        "merged_into" text,
        "bound_to" text,
        CONSTRAINT "unknown_voices_by_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "unknown_voices_by_merge" FOREIGN KEY ("merged_into") REFERENCES "unknown_voices" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(`CREATE INDEX "unknown_voices_in_order" ON "unknown_voices" ("state", "speech_ms", "id")`);
    await runner.query(`CREATE INDEX "unknown_voices_by_age" ON "unknown_voices" ("state", "last_heard_at")`);
    await runner.query(`CREATE INDEX "unknown_voices_of_model" ON "unknown_voices" ("model", "front_end", "id")`);
    await runner.query(`CREATE INDEX "unknown_voices_of_speaker" ON "unknown_voices" ("speaker_id", "id")`);
    await runner.query(`CREATE INDEX "unknown_voices_merged" ON "unknown_voices" ("merged_into")`);
    await runner.query(`
      CREATE TABLE "unknown_voice_shares" (
        "id" text PRIMARY KEY NOT NULL,
        "voice_id" text NOT NULL,
        "conversation_id" text,
        "label" text NOT NULL,
        "heard_at" integer NOT NULL,
        "own_seconds" real NOT NULL,
        "intervals" text NOT NULL,
        "model" text NOT NULL,
        "front_end" text NOT NULL,
        "embedding" blob NOT NULL,
        CONSTRAINT "unknown_voice_shares_of_voice" FOREIGN KEY ("voice_id") REFERENCES "unknown_voices" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "unknown_voice_shares_of_conversation" FOREIGN KEY ("conversation_id") REFERENCES "conversations" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(
      `CREATE INDEX "unknown_voice_shares_in_order" ON "unknown_voice_shares" ("voice_id", "heard_at", "id")`,
    );
    await runner.query(
      `CREATE UNIQUE INDEX "unknown_voice_shares_by_conversation" ON "unknown_voice_shares" ("conversation_id", "label")`,
    );
    for (const [event, by] of [
      ['INSERT', '+ 1'],
      ['DELETE', '- 1'],
    ] as const) {
      await runner.query(`
        CREATE TRIGGER "unknown_voice_shares_counted_${event === 'INSERT' ? 'in' : 'out'}" AFTER ${event}
        ON "unknown_voice_shares" BEGIN
          UPDATE "counters" SET "value" = "value" ${by} WHERE "name" = 'vectors'; END`);
    }
    await runner.query(`
      CREATE TABLE "unknown_voice_steps" (
        "id" text PRIMARY KEY NOT NULL,
        "voice_id" text NOT NULL,
        "other_id" text,
        "created_at" integer NOT NULL,
        "by" text NOT NULL,
        "action" text NOT NULL,
        "reason" text,
        "detail" text NOT NULL,
        "undone_at" integer,
        "undone_by" text,
        CONSTRAINT "unknown_voice_steps_of_voice" FOREIGN KEY ("voice_id") REFERENCES "unknown_voices" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(
      `CREATE INDEX "unknown_voice_steps_in_order" ON "unknown_voice_steps" ("voice_id", "created_at", "id")`,
    );
    await runner.query(
      `CREATE INDEX "unknown_voice_steps_with_other" ON "unknown_voice_steps" ("other_id", "created_at", "id")`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "unknown_voice_steps"`);
    // Row by row, for the counter.
    await runner.query(`DELETE FROM "unknown_voice_shares" WHERE 1`);
    await runner.query(`DROP TABLE "unknown_voice_shares"`);
    await runner.query(`DROP TABLE "unknown_voices"`);
    await runner.query(`ALTER TABLE "receipts" DROP COLUMN "unknown_voices"`);
  }
}
