import type { MigrationInterface, QueryRunner } from 'typeorm';

/** API keys. */
export class Access1764200000000 implements MigrationInterface {
  readonly name = 'Access1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "api_keys" (
        "id" text PRIMARY KEY NOT NULL,
        "name" text NOT NULL,
        "scopes" text NOT NULL,
        "digest" blob NOT NULL,
        "created_at" integer NOT NULL,
        "expires_at" integer,
        "revoked_at" integer,
        "last_used_on" text
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "api_keys"`);
  }
}
