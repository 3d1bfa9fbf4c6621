import sqlite3 from 'sqlite3';

/** For TypeORM, which asks for traces of every call; they cost more than the calls. */
export const SQLITE = { ...sqlite3, verbose: () => sqlite3 };
