import type { MigrationInterface, QueryRunner } from 'typeorm';

const COLUMNS = [
  'id',
  'webhook_id',
  'event',
  'body',
  'state',
  'attempts',
  'created_at',
  'next_at',
  'attempted_at',
  'status',
  'error',
].map((name) => `"${name}"`);

/** Groups that are watch lists, and deliveries that go with the speaker of whom they tell. */
export class Watch1764980000000 implements MigrationInterface {
  readonly name = 'Watch1764980000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "speaker_groups" ADD COLUMN "watch_rate" real`);
    await runner.query(
      `CREATE INDEX "speaker_groups_watched" ON "speaker_groups" ("watch_rate") WHERE "watch_rate" IS NOT NULL`,
    );
    await this.rebuild(
      runner,
      `,
        "speaker_id" text,
        CONSTRAINT "deliveries_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION`,
    );
    await runner.query(
      `CREATE INDEX "webhook_deliveries_of_speaker" ON "webhook_deliveries" ("speaker_id") WHERE "speaker_id" IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM "webhook_deliveries" WHERE "speaker_id" IS NOT NULL`);
    await this.rebuild(runner, '');
    await runner.query(`DROP INDEX "speaker_groups_watched"`);
    await runner.query(`ALTER TABLE "speaker_groups" DROP COLUMN "watch_rate"`);
  }

  /** A foreign key cannot be added to a table that is there. */
  private async rebuild(runner: QueryRunner, more: string): Promise<void> {
    await runner.query(`
      CREATE TABLE "webhook_deliveries_anew" (
        "id" text PRIMARY KEY NOT NULL,
        "webhook_id" text NOT NULL,
        "event" text NOT NULL,
        "body" text NOT NULL,
        "state" text NOT NULL,
        "attempts" integer NOT NULL,
        "created_at" integer NOT NULL,
        "next_at" integer NOT NULL,
        "attempted_at" integer,
        "status" integer,
        "error" text${more},
        CONSTRAINT "deliveries_of_webhook" FOREIGN KEY ("webhook_id") REFERENCES "webhooks" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    const columns = COLUMNS.join(', ');
    await runner.query(
      `INSERT INTO "webhook_deliveries_anew" (${columns}) SELECT ${columns} FROM "webhook_deliveries"`,
    );
    await runner.query(`DROP TABLE "webhook_deliveries"`);
    await runner.query(`ALTER TABLE "webhook_deliveries_anew" RENAME TO "webhook_deliveries"`);
    await runner.query(
      `CREATE INDEX "webhook_deliveries_in_order" ON "webhook_deliveries" ("webhook_id", "created_at", "id")`,
    );
    await runner.query(`CREATE INDEX "webhook_deliveries_waiting" ON "webhook_deliveries" ("state", "next_at")`);
  }
}
