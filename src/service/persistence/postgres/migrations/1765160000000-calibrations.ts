import type { MigrationInterface, QueryRunner } from 'typeorm';

const TEXT = 'text COLLATE "C"';

/** Calibrations that are saved as versions, and which one of a model is in use. */
export class Calibrations1765160000000 implements MigrationInterface {
  readonly name = 'Calibrations1765160000000';

  async up(runner: QueryRunner): Promise<void> {
    const own = `SET search_path = "${(await runner.getCurrentSchema())!}", pg_temp`;
    await runner.query(`
      CREATE TABLE "calibrations" (
        "id" ${TEXT} NOT NULL,
        "version" bigint NOT NULL,
        "model" ${TEXT} NOT NULL,
        "source" ${TEXT} NOT NULL,
        "note" ${TEXT},
        "by" ${TEXT} NOT NULL,
        "created_at" bigint NOT NULL,
        "in_use" boolean NOT NULL,
        "used_at" bigint,
        "sealed" bytea NOT NULL,
        PRIMARY KEY ("id")
      )`);
    // What is encrypted does not get shorter.
    await runner.query(`ALTER TABLE "calibrations" ALTER COLUMN "sealed" SET STORAGE EXTERNAL`);
    await runner.query(`CREATE UNIQUE INDEX "calibrations_by_version" ON "calibrations" ("version")`);
    await runner.query(`CREATE UNIQUE INDEX "calibrations_in_use" ON "calibrations" ("model") WHERE "in_use"`);
    await runner.query(`
      CREATE FUNCTION "calibrations_counted"() RETURNS trigger LANGUAGE plpgsql ${own} AS $$ BEGIN
        UPDATE "counters" SET "value" = "value" + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END WHERE "name" = 'vectors';
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER "calibrations_counted" AFTER INSERT OR DELETE ON "calibrations"
        FOR EACH ROW EXECUTE FUNCTION "calibrations_counted"()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM "calibrations"`);
    await runner.query(`DROP TABLE "calibrations" CASCADE`);
    await runner.query(`DROP FUNCTION "calibrations_counted"`);
  }
}
