BEGIN TRANSACTION;
CREATE TABLE adapterAlias (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    versions TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
INSERT INTO "adapterAlias" VALUES('','stable',1700000020,'[{"number":1,"target":"sql","weights":{"1111111111111111111111111111111111111111111111111111111111111111":0.25,"2222222222222222222222222222222222222222222222222222222222222222":0.75}},{"number":2,"target":"sql","weights":{"2222222222222222222222222222222222222222222222222222222222222222":1.0}}]');
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
INSERT INTO "adapterGeneration" VALUES('','sql','1111111111111111111111111111111111111111111111111111111111111111',1700000001,1700000011,'facet-demo','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',8,16.5,1000,2000,'{"job":"key1","data_hash":"d","seed":7,"parent":"p","step":3,"source":"/a/ü"}','["x","é\n"]');
INSERT INTO "adapterGeneration" VALUES('','sql','2222222222222222222222222222222222222222222222222222222222222222',1700000002,NULL,'facet-demo','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',8,16.5,1000,2000,'{"job":"key1","data_hash":"d","seed":7,"parent":"p","step":3,"source":"/a/ü"}','["x","é\n"]');
INSERT INTO "adapterGeneration" VALUES('acme','ft:facet-demo:acme:desk:abcdefgh','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1700000003,NULL,'facet-demo',NULL,8,16.5,1000,2000,'{"job":"key1","data_hash":"d","seed":7,"parent":"p","step":3,"source":"/a/ü"}','["x","é\n"]');
CREATE TABLE file (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    filename TEXT NOT NULL,
    purpose TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER
) STRICT;
INSERT INTO "file" VALUES(1,'file-a','acme','données.jsonl','fine-tune',12,1700000100,NULL);
INSERT INTO "file" VALUES(2,'file-b','facet','b.jsonl','batch',34,1700000101,4000000000);
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO "grdb_migrations" VALUES('adapters/1 names and generations');
INSERT INTO "grdb_migrations" VALUES('files/1 files');
INSERT INTO "grdb_migrations" VALUES('jobs/1 jobs, events and checkpoints');
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
INSERT INTO "job" VALUES(1,'key1','acme','failed',1700000200,1700000201,1700000202,'{"base":"facet-demo","parent":"sql@2222222222222222222222222222222222222222222222222222222222222222","training_file":"file-a","validation_file":"file-b","hyperparameters":{"lora_rank":4,"n_epochs":2},"suffix":"desk","seed":42,"metadata":{"b":"1","a":"ü"},"legacy":false}',NULL,'ft:facet-demo:acme:desk:key1',99,'["file-r"]','{"code":"invalid_training_file","message":"line 3","param":"training_file"}',10,1700000300);
INSERT INTO "job" VALUES(2,'key2','facet','queued',1700000210,1700000211,NULL,'{"base":"facet-demo","parent":null,"training_file":"file-a","validation_file":null,"hyperparameters":{"lora_rank":4,"n_epochs":2},"suffix":null,"seed":42,"metadata":{},"legacy":true}',NULL,'ft:facet-demo:facet::key2',NULL,'[]',NULL,NULL,NULL);
CREATE TABLE jobCheckpoint (
    job TEXT NOT NULL REFERENCES job(key) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    created INTEGER NOT NULL,
    model TEXT NOT NULL,
    metrics TEXT NOT NULL,
    PRIMARY KEY (job, step)
) STRICT;
INSERT INTO "jobCheckpoint" VALUES('key1',1,1700000206,'ft:facet-demo:acme:desk:key1:ckpt-step-1','{"step":1,"train_loss":1.5}');
CREATE TABLE jobEvent (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL REFERENCES job(key) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    step INTEGER,
    metrics TEXT
) STRICT;
INSERT INTO "jobEvent" VALUES(1,'key1',1700000203,'info','The job was made.',NULL,NULL);
INSERT INTO "jobEvent" VALUES(2,'key1',1700000204,'info','Step 1',1,'{"train_loss":1.5}');
INSERT INTO "jobEvent" VALUES(3,'key1',1700000205,'error','It failed.',NULL,NULL);
CREATE UNIQUE INDEX adapterGenerationCurrent
    ON adapterGeneration (tenant, name) WHERE retired IS NULL;
CREATE INDEX fileByTenant ON file(tenant, number);
CREATE INDEX jobByTenant ON job(tenant, number);
CREATE INDEX jobByStatus ON job(status, number);
CREATE INDEX eventByJob ON jobEvent(job, number);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('file',2);
INSERT INTO "sqlite_sequence" VALUES('job',2);
INSERT INTO "sqlite_sequence" VALUES('jobEvent',3);
COMMIT;
