import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The register of what is stored, and the entries of the audit trail bound to each other; `sealRecords` fills both. */
export class Register1764800000000 implements MigrationInterface {
  readonly name = 'Register1764800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE "register" ("name" text PRIMARY KEY NOT NULL, "value" blob NOT NULL)');
    await runner.query('ALTER TABLE "audit" ADD COLUMN "mac" blob');
    await runner.query('DROP TRIGGER "audit_is_never_changed"');
    // An entry from before is sealed once.
    await runner.query(`
      CREATE TRIGGER "audit_is_never_changed"
      BEFORE UPDATE OF "id", "at", "by", "action", "subject", "object", "outcome", "request_id" ON "audit"
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
    await runner.query(`
      CREATE TRIGGER "audit_is_sealed_once" BEFORE UPDATE OF "mac" ON "audit" WHEN OLD."mac" IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER "audit_is_sealed_once"');
    await runner.query('DROP TRIGGER "audit_is_never_changed"');
    await runner.query('ALTER TABLE "audit" DROP COLUMN "mac"');
    await runner.query(`
      CREATE TRIGGER "audit_is_never_changed" BEFORE UPDATE ON "audit"
      BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`);
    await runner.query('DROP TABLE "register"');
  }
}
