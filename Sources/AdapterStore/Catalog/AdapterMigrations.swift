public import Storage

extension ModuleMigrations {
    /// The tables of the adapter catalog.
    public static var adapters: ModuleMigrations {
        var module = ModuleMigrations(module: "adapters")
        module.step("names and generations") { db in
            // Names are compared byte by byte, as SQLite's BINARY collation does.
            try db.execute(
                sql: """
                    CREATE TABLE adapterGeneration (
                        tenant TEXT NOT NULL,
                        name TEXT NOT NULL,
                        hash TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        retired INTEGER,
                        base TEXT NOT NULL,
                        baseHash TEXT,
                        rank INTEGER NOT NULL,
                        alpha REAL NOT NULL,
                        fileBytes INTEGER NOT NULL,
                        residentBytes INTEGER NOT NULL,
                        lineage TEXT NOT NULL,
                        tags TEXT NOT NULL,
                        PRIMARY KEY (tenant, name, hash)
                    ) WITHOUT ROWID;
                    CREATE UNIQUE INDEX adapterGenerationCurrent
                        ON adapterGeneration (tenant, name) WHERE retired IS NULL;
                    CREATE TABLE adapterAlias (
                        tenant TEXT NOT NULL,
                        name TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        versions TEXT NOT NULL,
                        PRIMARY KEY (tenant, name)
                    ) WITHOUT ROWID;
                    """
            )
        }
        return module
    }
}
