public import Storage

extension FineTuningStore {
    /// The tables of jobs, their events and checkpoints.
    public static var migrations: ModuleMigrations {
        var migrations = ModuleMigrations(module: "jobs")
        migrations.step("jobs, events and checkpoints") { db in
            try db.execute(
                sql: """
                    CREATE TABLE job (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        key TEXT NOT NULL UNIQUE,
                        tenant TEXT NOT NULL,
                        status TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        updated INTEGER NOT NULL,
                        finished INTEGER,
                        request TEXT NOT NULL,
                        hyperparameters TEXT,
                        model TEXT NOT NULL,
                        trainedTokens INTEGER,
                        resultFiles TEXT NOT NULL,
                        error TEXT,
                        totalSteps INTEGER,
                        estimatedFinish INTEGER
                    ) STRICT;
                    CREATE INDEX jobByTenant ON job(tenant, number);
                    CREATE INDEX jobByStatus ON job(status, number);
                    CREATE TABLE jobEvent (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        job TEXT NOT NULL REFERENCES job(key) ON DELETE CASCADE,
                        created INTEGER NOT NULL,
                        level TEXT NOT NULL,
                        message TEXT NOT NULL,
                        step INTEGER,
                        metrics TEXT
                    ) STRICT;
                    CREATE INDEX eventByJob ON jobEvent(job, number);
                    CREATE TABLE jobCheckpoint (
                        job TEXT NOT NULL REFERENCES job(key) ON DELETE CASCADE,
                        step INTEGER NOT NULL,
                        created INTEGER NOT NULL,
                        model TEXT NOT NULL,
                        metrics TEXT NOT NULL,
                        PRIMARY KEY (job, step)
                    ) STRICT;
                    """
            )
        }
        migrations.step("starts that did not end in order") { db in
            try db.execute(
                sql: "ALTER TABLE job ADD COLUMN unfinishedStarts INTEGER NOT NULL DEFAULT 0"
            )
        }
        migrations.step("bytes of jobs") { db in
            try db.execute(
                sql: "ALTER TABLE job ADD COLUMN storedBytes INTEGER NOT NULL DEFAULT 0"
            )
        }
        migrations.step("leases") { db in
            try db.execute(
                sql: """
                    ALTER TABLE job ADD COLUMN worker TEXT;
                    ALTER TABLE job ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE job ADD COLUMN leaseUntil INTEGER;
                    """
            )
        }
        return migrations
    }
}
