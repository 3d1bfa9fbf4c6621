import type { MigrationInterface, QueryRunner } from 'typeorm';

const TEXT = 'text COLLATE "C"';

/** Sign-in links and sessions of all nodes, sealed with the data key. */
export class SignIns1765150000000 implements MigrationInterface {
  readonly name = 'SignIns1765150000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "sign_ins" (
        "kind" ${TEXT} NOT NULL,
        "id" ${TEXT} NOT NULL,
        "expires_at" bigint NOT NULL,
        "sealed" bytea NOT NULL,
        PRIMARY KEY ("kind", "id")
      )`);
    await runner.query(`CREATE INDEX "sign_ins_by_end" ON "sign_ins" ("expires_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "sign_ins"`);
  }
}
