import type { MigrationInterface, QueryRunner } from 'typeorm';
import { UUID } from './uuid.js';

/** Consent, opt-out and last use of speakers; the audit trail, which the database itself keeps from changing. */
export class Privacy1764300000000 implements MigrationInterface {
  readonly name = 'Privacy1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "subject" text NOT NULL DEFAULT ''`);
    await runner.query(`UPDATE "speakers" SET "subject" = ${UUID}`);
    await runner.query(`CREATE UNIQUE INDEX "speakers_by_subject" ON "speakers" ("subject")`);
    for (const column of ['"consent" text', '"consent_withdrawn_at" integer', '"last_used_at" integer']) {
      await runner.query(`ALTER TABLE "speakers" ADD COLUMN ${column}`);
    }
    await runner.query(`
      CREATE TABLE "audit" (
        "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
        "at" integer NOT NULL,
        "by" text NOT NULL,
        "action" text NOT NULL,
        "subject" text,
        "object" text,
        "outcome" text NOT NULL,
        "request_id" text
      )`);
    await runner.query(`CREATE INDEX "audit_of_subject" ON "audit" ("subject", "id")`);
    await runner.query(`CREATE INDEX "audit_in_time" ON "audit" ("at")`);
    await runner.query(`
      CREATE TRIGGER "audit_is_never_changed" BEFORE UPDATE ON "audit"
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
    await runner.query(`
      CREATE TRIGGER "audit_is_never_deleted" BEFORE DELETE ON "audit"
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
    // INSERT OR REPLACE deletes without asking the trigger above.
    await runner.query(`
      CREATE TRIGGER "audit_is_never_replaced" BEFORE INSERT ON "audit"
      WHEN EXISTS (SELECT 1 FROM "audit" WHERE "id" = NEW."id")
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "audit"`);
    await runner.query(`DROP INDEX "speakers_by_subject"`);
    for (const column of ['subject', 'consent', 'consent_withdrawn_at', 'last_used_at']) {
      await runner.query(`ALTER TABLE "speakers" DROP COLUMN "${column}"`);
    }
  }
}
