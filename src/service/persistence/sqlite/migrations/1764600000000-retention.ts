import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit trail can be trimmed in pieces without taking its guard away, and keeps no id that a caller chose; speakers
 * are told apart by when they were active last, and by when it was announced that they will be erased.
 */
export class Retention1764600000000 implements MigrationInterface {
  readonly name = 'Retention1764600000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER "audit_is_never_deleted"');
    await runner.query(`
      CREATE TRIGGER "audit_is_never_deleted" BEFORE DELETE ON "audit"
      WHEN NOT EXISTS (
        SELECT 1 FROM "settings" WHERE "name" = 'audit trimmed before' AND CAST("value" AS integer) > OLD."at"
      )
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
    await runner.query('DROP TRIGGER "audit_is_never_changed"');
    const part = (length: number): string => '[0-9a-f]'.repeat(length);
    const uuid = [8, 4, 4, 4, 12].map(part).join('-');
    await runner.query(`UPDATE "audit" SET "request_id" = NULL WHERE "request_id" NOT GLOB '${uuid}'`);
    await runner.query(`
      CREATE TRIGGER "audit_is_never_changed" BEFORE UPDATE ON "audit"
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "active_at" integer NOT NULL DEFAULT 0`);
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "notice_at" integer`);
    await runner.query(`
      UPDATE "speakers" SET "active_at" = MAX(
        "created_at", COALESCE("last_used_at", 0),
        COALESCE((SELECT MAX(e."created_at") FROM "enrollments" e WHERE e."speaker_id" = "speakers"."id"), 0)
      )`);
    await runner.query('CREATE INDEX "speakers_by_activity" ON "speakers" ("active_at", "id")');
    await runner.query('CREATE INDEX "speakers_by_withdrawal" ON "speakers" ("consent_withdrawn_at", "id")');
    await runner.query('CREATE INDEX "speakers_by_notice" ON "speakers" ("notice_at", "id")');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const index of ['speakers_by_notice', 'speakers_by_withdrawal', 'speakers_by_activity']) {
      await runner.query(`DROP INDEX "${index}"`);
    }
    for (const column of ['notice_at', 'active_at'])
      await runner.query(`ALTER TABLE "speakers" DROP COLUMN "${column}"`);
    await runner.query('DROP TRIGGER "audit_is_never_deleted"');
    await runner.query(`
      CREATE TRIGGER "audit_is_never_deleted" BEFORE DELETE ON "audit"
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
  }
}
