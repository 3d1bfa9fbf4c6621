import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Calibrations that are saved as versions, and which one of a model is in use. */
export class Calibrations1765160000000 implements MigrationInterface {
  readonly name = 'Calibrations1765160000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "calibrations" (
        "id" text PRIMARY KEY NOT NULL,
        "version" integer NOT NULL,
        "model" text NOT NULL,
        "source" text NOT NULL,
        "note" text,
        "by" text NOT NULL,
        "created_at" integer NOT NULL,
        "in_use" boolean NOT NULL,
        "used_at" integer,
        "sealed" blob NOT NULL
      )`);
    await runner.query(`CREATE UNIQUE INDEX "calibrations_by_version" ON "calibrations" ("version")`);
    await runner.query(`CREATE UNIQUE INDEX "calibrations_in_use" ON "calibrations" ("model") WHERE "in_use"`);
    await runner.query(`
      CREATE TRIGGER "calibrations_counted_in" AFTER INSERT ON "calibrations" BEGIN
        UPDATE "counters" SET "value" = "value" + 1 WHERE "name" = 'vectors'; END`);
    await runner.query(`
      CREATE TRIGGER "calibrations_counted_out" AFTER DELETE ON "calibrations" BEGIN
        UPDATE "counters" SET "value" = "value" - 1 WHERE "name" = 'vectors'; END`);
  }

  async down(runner: QueryRunner): Promise<void> {
    // Row by row, for the counter.
    await runner.query(`DELETE FROM "calibrations" WHERE 1`);
    await runner.query(`DROP TABLE "calibrations"`);
  }
}
