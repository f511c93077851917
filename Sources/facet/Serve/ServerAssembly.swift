import API
import AdapterStore
import Foundation
import InferenceRuntime
import Logging
import Trainer
import Storage

/// Puts the parts of a server together, in the order in which they can fail.
struct ServerAssembly {
    private let command: ServeCommand
    private let server: FacetServer
    private let jobs: FineTuningService
    private let engine: Engine
    private let hint: StartHint
    /// Looks for what other servers change; `nil` where there are none.
    private let watch: DatabaseWatch?

    init(_ command: ServeCommand) async throws {
        self.command = command
        let logger = Self.logger()
        let database = try Self.database(command, logger)
        let demo = try command.model == nil ? DemoModel.locate() : nil
        let pool = ThreadPool(threads: command.engine.threads.value)
        let checkpoint = try ServedCheckpoint.load(
            demo?.folder ?? command.model ?? "",
            name: command.servedModelName ?? demo?.name,
            command.engine,
            pool: pool
        )
        let held = checkpoint.model.base
        logger.info(
            "weights of \(checkpoint.base.name): --base-dtype \(held.rawValue), \(held.summary)"
        )
        let assembly = try EngineAssembly(
            checkpoint.model,
            command.engine,
            pool: pool,
            memory: command.memoryWishes,
            priority: command.trainingPriority
        )
        logger.info("\(assembly.summary(of: checkpoint.base.name))")
        let objects = try Self.objects(command)
        let adapters = try Self.adapterStore(command, checkpoint, assembly, database, objects)
        try Self.refuseTakenName(checkpoint.base.name, adapters)
        let given = command.adapters + (demo?.adapters ?? [])
        try await Self.publish(given, in: adapters)
        let files = try await FileStore(
            database: database,
            objects: objects,
            cacheBytes: command.objectCache * 1_000_000
        )
        let judges = GraderJudges()
        let jobs = Self.jobs(
            (command, checkpoint, assembly),
            (adapters, files, database, objects),
            judges,
            logger
        )
        var configuration = try Self.configuration(command)
        configuration.startedAdapters = given.map(\.name)
        configuration.http.memory = assembly.memory
        watch = await Self.watch(database, adapters, logger)
        let services = Self.services(database, Self.served(checkpoint, assembly), command) {
            ($0.adapters, $0.files, $0.jobs) = (adapters, files, jobs)
            $0.judges = judges
        }
        server = try await FacetServer(
            services,
            configuration: configuration,
            logger: logger
        )
        self.jobs = jobs
        engine = assembly.engine
        hint = StartHint(
            base: checkpoint.base.name,
            adapters: given.map(\.name),
            isDemo: demo != nil,
            hasConsole: command.console
        )
    }

    /// Serves until a signal says to stop.
    func run() async throws {
        try await jobs.start()
        let looking = watch.map { watch in Task { await watch.run() } }
        defer { looking?.cancel() }
        let (command, hint) = (command, hint)
        try await server.run { address in
            let scheme = command.tlsCert == nil ? "http" : "https"
            let host = address.host.contains(":") ? "[\(address.host)]" : address.host
            let url = "\(scheme)://\(host):\(address.port)"
            var lines = "listening on \(url)\n"
            if command.hint ?? (isatty(STDOUT_FILENO) == 1) {
                lines += hint.text(url: url) + "\n"
            }
            // Not `print`: whoever waits for the line must get it at once, through a pipe too.
            FileHandle.standardOutput.write(Data(lines.utf8))
        }
        await jobs.stop()
        await engine.stop(draining: false)
    }

    /// What is served, with what `more` adds.
    private static func services(
        _ database: FacetDatabase,
        _ model: ServedModel,
        _ command: ServeCommand,
        _ more: (inout FacetServices) -> Void
    ) -> FacetServices {
        var services = FacetServices(
            model: model,
            completions: StoredCompletionStore(database: database),
            batches: BatchStore(database: database, leaseSeconds: command.jobLease),
            responses: database.isShared ? ResponseTable(database: database) : nil
        )
        services.hasWandb = trackers.hasWandb
        more(&services)
        return services
    }

    private static var trackers: TrackerEnvironment {
        TrackerEnvironment(ProcessInfo.processInfo.environment)
    }

    private static func objects(_ command: ServeCommand) throws -> (any ObjectStore)? {
        try command.objects.map {
            S3Store(
                try S3Configuration(
                    url: $0,
                    endpoint: command.s3Endpoint,
                    environment: ProcessInfo.processInfo.environment
                )
            )
        }
    }

    private static func watch(
        _ database: FacetDatabase,
        _ adapters: AdapterStore,
        _ logger: Logger
    ) async -> DatabaseWatch? {
        guard database.isShared else { return nil }
        let watch = DatabaseWatch(database, logger: logger)
        await watch.onChange(of: AdapterStore.area) { try await adapters.refresh() }
        return watch
    }

    private static func logger() -> Logger {
        LoggingSystem.bootstrap { QuotedLogHandler(StreamLogHandler.standardError(label: $0)) }
        var logger = Logger(label: "facet")
        let level = ProcessInfo.processInfo.environment["FACET_LOG"].flatMap {
            Logger.Level(rawValue: $0)
        }
        logger.logLevel = level ?? .info
        return logger
    }

    private static func database(
        _ command: ServeCommand,
        _ logger: Logger
    ) throws -> FacetDatabase {
        let database = try FacetDatabase(
            folder: command.data ?? DataFolder.usual,
            url: command.database,
            migrations: ServerTables.all
        )
        if let permissions = database.permissionsForOthers {
            logger.warning(
                "other users of this machine may enter the data directory; 'chmod -R go= DIR' ends that",
                metadata: ["folder": "\(database.folder)", "mode": "\(permissions)"]
            )
        }
        if command.database != nil, command.objects == nil {
            logger.warning(
                "files and adapters stay on this machine: other servers of the database need --objects"
            )
        }
        return database
    }

    private static func served(
        _ checkpoint: ServedCheckpoint,
        _ assembly: EngineAssembly
    ) -> ServedModel {
        ServedModel(
            checkpoint.base,
            hash: checkpoint.model.baseHash,
            created: Int(Date().timeIntervalSince1970),
            hiddenSize: checkpoint.model.architecture.hiddenSize,
            generator: assembly.engine
        )
    }

    private static func configuration(
        _ command: ServeCommand
    ) throws -> FacetServerConfiguration {
        var configuration = FacetServerConfiguration(
            http: httpConfiguration(command),
            keys: try command.apiKeys.map(KeyPlace.store)
        )
        configuration.allowedHosts = command.allowedHosts
        configuration.maximumFileBytes = command.maxFileBytes
        configuration.servesConsole = command.console
        return configuration
    }

    private static func httpConfiguration(_ command: ServeCommand) -> ServerConfiguration {
        var http = ServerConfiguration()
        http.host = command.host
        http.port = command.port
        if let certificate = command.tlsCert, let key = command.tlsKey {
            http.tls = TLSFiles(certificate: certificate, privateKey: key)
        }
        return http
    }

    private static func adapterStore(
        _ command: ServeCommand,
        _ checkpoint: ServedCheckpoint,
        _ assembly: EngineAssembly,
        _ database: FacetDatabase,
        _ objects: (any ObjectStore)?
    ) throws -> AdapterStore {
        var roots = command.adapterRoots
        if roots.isEmpty {
            roots = [database.folder]
            if let first = command.adapters.first {
                roots.append(
                    URL(fileURLWithPath: first.path).standardizedFileURL
                        .deletingLastPathComponent().path
                )
            }
        }
        var configuration = AdapterStoreConfiguration(
            base: checkpoint.adapterBase,
            memoryBudget: assembly.memory.allotment(of: .adapters),
            roots: try AdapterRoots(roots)
        )
        configuration.objects = objects
        configuration.cacheBytes = command.objectCache * 1_000_000
        return try AdapterStore(database: database, configuration: configuration)
    }

    /// An adapter may have got its name while another base was served, or offline.
    private static func refuseTakenName(_ base: String, _ adapters: AdapterStore) throws {
        let names = adapters.list(for: .program).filter(\.isCurrent).map(\.generation.name)
        let aliases = adapters.aliases(for: .program).map(\.name)
        guard (names + aliases).contains(base) else { return }
        throw CommandError(
            "An adapter of the data directory is called '\(base)', as the base is: call the base "
                + "otherwise with --served-model-name, or remove the adapter with "
                + "'facet adapters remove \(base)'."
        )
    }

    private static func publish(
        _ adapters: [AdapterArgument],
        in store: AdapterStore
    ) async throws {
        for adapter in adapters {
            var publication = AdapterPublication(
                name: adapter.name,
                path: adapter.path,
                replacing: .always
            )
            publication.roots = .everywhere
            do throws(AdapterStoreError) {
                _ = try await store.publish(publication, for: .program)
            } catch {
                throw CommandError("--adapter \(adapter.name)=\(adapter.path): \(error)")
            }
        }
    }

    private static func jobs(
        _ started: (command: ServeCommand, checkpoint: ServedCheckpoint, assembly: EngineAssembly),
        _ stores: (
            adapters: AdapterStore, files: FileStore, database: FacetDatabase,
            objects: (any ObjectStore)?
        ),
        _ judges: GraderJudges,
        _ logger: Logger
    ) -> FineTuningService {
        var environment = EngineTrainer.Environment(
            model: started.checkpoint.model,
            base: started.checkpoint.base,
            engine: started.assembly.engine,
            context: started.assembly.context,
            adapters: stores.adapters,
            files: stores.files,
            folder: stores.database.folder + "/jobs",
            memory: started.assembly.memory,
            objects: stores.objects,
            judges: judges
        )
        environment.trackers = trackers.trackers
        let trainer = EngineTrainer(environment, logger: logger)
        return FineTuningService(
            store: FineTuningStore(database: stores.database),
            trainer: trainer,
            maximumRunning: 2,
            worker: JobWorker(leaseSeconds: started.command.jobLease),
            logger: logger
        )
    }
}
