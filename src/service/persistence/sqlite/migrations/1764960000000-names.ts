import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Names of a conversation's voices, candidates of those that wait, and conversations of keys that are bound to groups. */
export class Names1764960000000 implements MigrationInterface {
  readonly name = 'Names1764960000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "conversations" ADD COLUMN "bound_to" text`);
    await runner.query('CREATE INDEX "conversations_of_bound" ON "conversations" ("bound_to", "created_at", "id")');
    await runner.query(`
      CREATE TABLE "conversation_people" (
        "conversation_id" text NOT NULL,
        "label" text NOT NULL,
        "speaker_id" text NOT NULL,
        "named" boolean NOT NULL,
        "cosine" real NOT NULL,
        "llr" real,
        "probability" real,
        "margin" real,
        CONSTRAINT "conversation_people_by_conversation" FOREIGN KEY ("conversation_id") REFERENCES "conversations" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "conversation_people_by_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        PRIMARY KEY ("conversation_id", "label")
      ) WITHOUT ROWID`);
    await runner.query(`
      CREATE TABLE "conversation_candidates" (
        "conversation_id" text NOT NULL,
        "speaker_id" text NOT NULL,
        CONSTRAINT "conversation_candidates_by_conversation" FOREIGN KEY ("conversation_id") REFERENCES "conversations" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "conversation_candidates_by_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        PRIMARY KEY ("conversation_id", "speaker_id")
      ) WITHOUT ROWID`);
    for (const table of ['people', 'candidates']) {
      await runner.query(
        `CREATE INDEX "conversation_${table}_of_speaker" ON "conversation_${table}" ("speaker_id", "conversation_id")`,
      );
    }
    await runner.query(`ALTER TABLE "receipts" ADD COLUMN "conversations" integer NOT NULL DEFAULT (0)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "receipts" DROP COLUMN "conversations"`);
    await runner.query(`DROP TABLE "conversation_candidates"`);
    await runner.query(`DROP TABLE "conversation_people"`);
    await runner.query(`DROP INDEX "conversations_of_bound"`);
    await runner.query(`ALTER TABLE "conversations" DROP COLUMN "bound_to"`);
  }
}
