import API
import AdapterStore
import ArgumentParser
import Foundation
import InferenceRuntime
import Storage
import Trainer

/// `facet migrate`: from one server's data directory to stores that servers share.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Copy a data directory into a PostgreSQL database and an S3 bucket.",
        discussion: """
            The server must be stopped. The directory stays as it is; the database must be new. Files, \
            adapters and the newest checkpoint of each job go first, then all rows at once: what is \
            interrupted is begun again.

            Example:
              facet migrate --from ~/.local/share/facet --to postgresql://facet@db/facet \
                --objects s3://models/facet --api-keys keys.json
            """
    )

    @Option(help: ArgumentHelp("The data directory.", valueName: "dir"))
    var from: String

    @Option(help: ArgumentHelp("The database.", valueName: "postgresql://…"))
    var to: String

    @Option(help: ArgumentHelp("The bucket for the files.", valueName: "s3://bucket/prefix"))
    var objects: String

    @Option(help: ArgumentHelp("The address of an S3 store other than Amazon's.", valueName: "url"))
    var s3Endpoint: String?

    @Option(help: ArgumentHelp("A file of API keys that go along.", valueName: "file"))
    var apiKeys: String?

    func validate() throws {
        guard FacetDatabase.isURL(to) else {
            throw ValidationError("--to must be a URL that begins with postgresql://.")
        }
    }

    func run() async throws {
        guard FileManager.default.fileExists(atPath: from + "/facet.sqlite") else {
            throw CommandError("\(from) is no data directory: there is no facet.sqlite in it.")
        }
        let store = S3Store(
            try S3Configuration(
                url: objects,
                endpoint: s3Endpoint,
                environment: ProcessInfo.processInfo.environment
            )
        )
        let source = try FacetDatabase(folder: from, migrations: ServerTables.all)
        let target = try FacetDatabase(url: to, migrations: ServerTables.all)
        let count = try put("files", in: store) + put("adapters", in: store)
        let checkpoints = try await EngineTrainer.share(
            checkpointsBelow: from + "/jobs",
            in: store
        )
        print("\(count) files and \(checkpoints) checkpoints stored")
        for (table, rows) in try source.copy(to: target) where rows > 0 {
            print("\(table): \(rows) rows")
        }
        if let apiKeys {
            let table = try KeyTable(url: to)
            let keys = try KeyFile(path: apiKeys).load()
            for key in keys { try table.add(key) }
            print("\(keys.count) API keys")
        }
    }

    /// Stores every file below a folder of the data directory under the same name.
    private func put(_ name: String, in store: S3Store) throws -> Int {
        let path = from + "/" + name
        var isFolder: ObjCBool = false
        guard !name.contains(DurableFile.temporaryMark),
            FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        else { return 0 }
        guard isFolder.boolValue else {
            try store.put(path, as: name)
            return 1
        }
        return try FileTree.names(in: path).sorted().reduce(0) { count, child in
            try count + put(name + "/" + child, in: store)
        }
    }
}
