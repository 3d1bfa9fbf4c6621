import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Speakers of one statement. */
const BATCH = 500;

/** Groups of speakers, metadata, what speakers are found by, and keys and jobs that are bound to groups. */
export class Groups1764900000000 implements MigrationInterface {
  readonly name = 'Groups1764900000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "speaker_groups" (
        "uid" text PRIMARY KEY NOT NULL,
        "id" text NOT NULL,
        "name" text,
        "created_at" integer NOT NULL,
        "updated_at" integer NOT NULL,
        "version" integer NOT NULL,
        "members" integer NOT NULL DEFAULT (0)
      )`);
    await runner.query(`CREATE UNIQUE INDEX "speaker_groups_by_id" ON "speaker_groups" ("id")`);
    await runner.query(`CREATE INDEX "speaker_groups_in_order" ON "speaker_groups" ("created_at", "id")`);
    await runner.query(`
      CREATE TABLE "speaker_terms" (
        "group_uid" text NOT NULL,
        "term" text NOT NULL,
        "created_at" integer NOT NULL,
        "speaker_id" text NOT NULL,
        CONSTRAINT "speaker_terms_by_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        PRIMARY KEY ("group_uid", "term", "created_at", "speaker_id")
      ) WITHOUT ROWID`);
    await runner.query(`CREATE INDEX "speaker_terms_of_speaker" ON "speaker_terms" ("speaker_id")`);
    await runner.query(`INSERT INTO "counters" VALUES ('groups', 0)`);
    for (const [way, row, by] of [
      ['in', 'NEW', '+'],
      ['out', 'OLD', '-'],
    ] as const) {
      const event = way === 'in' ? 'INSERT' : 'DELETE';
      await runner.query(`
        CREATE TRIGGER "speaker_groups_counted_${way}" AFTER ${event} ON "speaker_groups" BEGIN
          UPDATE "counters" SET "value" = "value" ${by} 1 WHERE "name" = 'groups'; END`);
      await runner.query(`
        CREATE TRIGGER "members_counted_${way}" AFTER ${event} ON "speaker_terms" WHEN ${row}."term" = '' BEGIN
          UPDATE "speaker_groups" SET "members" = "members" ${by} 1 WHERE "uid" = ${row}."group_uid"; END`);
    }
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "member_of" text`);
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "metadata" text`);
    await runner.query(`ALTER TABLE "api_keys" ADD COLUMN "bound_to" text`);
    await runner.query(`ALTER TABLE "jobs" ADD COLUMN "bound_to" text`);
    await runner.query(`CREATE INDEX "jobs_of_bound" ON "jobs" ("bound_to", "created_at", "id")`);
    for (const column of ['groups', 'metadata']) {
      await runner.query(`ALTER TABLE "receipts" ADD COLUMN "${column}" integer NOT NULL DEFAULT (0)`);
    }
    await fillTerms(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const column of ['metadata', 'groups']) await runner.query(`ALTER TABLE "receipts" DROP COLUMN "${column}"`);
    await runner.query(`DROP INDEX "jobs_of_bound"`);
    await runner.query(`ALTER TABLE "jobs" DROP COLUMN "bound_to"`);
    await runner.query(`ALTER TABLE "api_keys" DROP COLUMN "bound_to"`);
    for (const column of ['metadata', 'member_of'])
      await runner.query(`ALTER TABLE "speakers" DROP COLUMN "${column}"`);
    await runner.query(`DELETE FROM "counters" WHERE "name" = 'groups'`);
    await runner.query(`DROP TABLE "speaker_terms"`);
    await runner.query(`DROP TABLE "speaker_groups"`);
  }
}

/** Those who are there are found by their ids and names. */
async function fillTerms(runner: QueryRunner): Promise<void> {
  for (let after = ''; ;) {
    const speakers = (await runner.query('SELECT id, name, created_at FROM speakers WHERE id > ? ORDER BY id LIMIT ?', [
      after,
      BATCH,
    ])) as { id: string; name: string | null; created_at: number }[];
    const rows = speakers.flatMap(({ id, name, created_at: createdAt }) => [
      [`i${id}`, createdAt, id],
      ...(name === null ? [] : [[`n${name.normalize('NFKC').toLowerCase()}`, createdAt, id]]),
    ]);
    await runner.query(`INSERT INTO speaker_terms SELECT '', value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`, [
      JSON.stringify(rows),
    ]);
    if (speakers.length < BATCH) return;
    after = speakers.at(-1)!.id;
  }
}
