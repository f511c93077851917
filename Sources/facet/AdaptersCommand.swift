import AdapterStore
import ArgumentParser
import InferenceRuntime
import Storage

/// `facet adapters`: the store of a data directory, while no server uses it.
struct AdaptersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapters",
        abstract: "List, import, export, merge, remove and alias adapters, offline.",
        discussion: """
            Works on the data directory itself and therefore only while no server runs on it; \
            a running server does the same over HTTP (/v1/adapters, /v1/load_lora_adapter).
            """,
        subcommands: [
            AdaptersListCommand.self, AdaptersImportCommand.self, AdaptersExportCommand.self,
            AdaptersRemoveCommand.self, AdaptersAliasCommand.self, AdaptersMergeCommand.self,
        ]
    )
}

/// What all subcommands of `facet adapters` take.
struct AdapterStoreOptions: ParsableArguments {
    @Option(name: .customLong("data"), help: "The data directory.")
    var folder = DataFolder.usual

    @Option(help: "Whose adapters; without it those that belong to everybody.")
    var tenant: String?

    var caller: AdapterCaller { .administrator(of: tenant.map { TenantID($0) } ?? .shared) }

    /// Opens the store, for adapters of the model in `model` where one is given.
    func open(model: String?) throws -> AdapterStore {
        let database = try FacetDatabase(folder: folder, migrations: [.adapters])
        let configuration = AdapterStoreConfiguration(
            base: try model.map(base),
            memoryBudget: 0,
            roots: .everywhere
        )
        return try AdapterStore(database: database, configuration: configuration)
    }

    /// The shape of a model, without its weights.
    private func base(model: String) throws -> AdapterBase {
        let trimmed = model.split(separator: "/").last.map(String.init) ?? model
        return AdapterBase(
            name: trimmed,
            hash: nil,
            architecture: try CheckpointFolder.architecture(of: model),
            folder: model
        )
    }
}

/// `facet adapters list`.
struct AdaptersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show every generation and alias."
    )

    @OptionGroup var options: AdapterStoreOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let store = try options.open(model: nil)
        let statuses = store.list(for: options.caller)
        let aliases = store.aliases(for: options.caller)
        if json {
            let value: JSONValue = [
                "object": "list", "data": .array(statuses.map(\.json)),
                "aliases": .array(aliases.map(\.json)),
            ]
            print(value.serialized)
            return
        }
        for status in statuses {
            let generation = status.generation
            print(
                generation.name,
                String(generation.hash.prefix(12)),
                status.isCurrent ? "current" : "old",
                "rank \(generation.rank)",
                "\(generation.fileBytes) bytes",
                "for \(generation.base)",
                "of \(generation.owner)"
            )
        }
        for alias in aliases {
            let shares = alias.weights.map { "\($0.generation.prefix(12))=\($0.share)" }
            print(alias.name, "->", alias.target, shares.joined(separator: " "))
        }
    }
}

/// `facet adapters import`.
struct AdaptersImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Copy an adapter into the store.",
        discussion: "Prints the name and the generation once both are on stable storage."
    )

    @OptionGroup var options: AdapterStoreOptions

    @Argument(help: "The name it is to have.")
    var name: String

    @Argument(help: "A PEFT directory, a .tar of one, or a llama.cpp LoRA file.")
    var path: String

    @Option(help: "The base model's folder: checks the fit; needed for llama.cpp files.")
    var model: String?

    @Flag(help: "Make a new generation if the name is taken.")
    var replace = false

    func run() async throws {
        let store = try options.open(model: model)
        let publication = AdapterPublication(
            name: name,
            path: path,
            replacing: replace ? .always : .never,
            lineage: AdapterLineage(source: path)
        )
        do throws(AdapterStoreError) {
            print(try await store.publish(publication, for: options.caller).pinnedName)
        } catch {
            throw Self.inWordsOfTheCommand(error)
        }
    }

    /// The store speaks of fields and roots, which are the server's.
    private static func inWordsOfTheCommand(_ error: AdapterStoreError) -> any Error {
        switch error {
        case .nameTaken(let name):
            CommandError("The adapter '\(name)' exists already; --replace makes a new generation.")
        case .pathNotAllowed(let path, _):
            CommandError("\(path) cannot be read; give a PEFT folder, a .tar of one or a .gguf.")
        default: error
        }
    }
}

/// `facet adapters export`.
struct AdaptersExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write an adapter out of the store."
    )

    @OptionGroup var options: AdapterStoreOptions

    @Argument(help: "A name, an alias or name@generation.")
    var name: String

    @Argument(help: "What is to be written; must not exist.")
    var path: String

    @Option(
        help: "peft, tar or gguf; by default what the path ends in says.",
        transform: { text in
            guard let format = AdapterFormat(rawValue: text) else {
                throw ValidationError("'\(text)' is none of peft, tar and gguf.")
            }
            return format
        }
    )
    var format: AdapterFormat?

    @Option(help: "The base model's folder; needed for llama.cpp files.")
    var model: String?

    func run() async throws {
        let store = try options.open(model: model)
        let generation = try store.resolve(name, for: options.caller, splitKey: "")
        let byPath: AdapterFormat =
            path.hasSuffix(".tar") ? .tar : path.hasSuffix(".gguf") ? .gguf : .peft
        try await store.export(generation, to: path, as: format ?? byPath)
    }
}

/// `facet adapters remove`.
struct AdaptersRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove an adapter with all its generations and aliases, or an alias alone."
    )

    @OptionGroup var options: AdapterStoreOptions

    @Argument(help: "The adapter or alias.")
    var name: String

    func run() async throws {
        try await options.open(model: nil).remove(name, for: options.caller)
    }
}

/// `facet adapters alias`.
struct AdaptersAliasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias",
        abstract: "Point an alias at an adapter, split it between generations, or roll it back."
    )

    @OptionGroup var options: AdapterStoreOptions

    @Argument(help: "The alias.")
    var alias: String

    @Argument(help: "The adapter; without weights the alias follows its newest generation.")
    var target: String?

    @Option(name: .customLong("weight"), help: "GENERATION=SHARE; repeat for a split.")
    var weights: [String] = []

    @Flag(help: "Go back to what the alias meant before.")
    var rollback = false

    func validate() throws {
        guard rollback == (target == nil) else {
            throw ValidationError("Give either an adapter or --rollback.")
        }
    }

    func run() async throws {
        let store = try options.open(model: nil)
        guard let target else {
            try await store.rollBackAlias(alias, for: options.caller)
            return
        }
        let parsed = try weights.map { text in
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let share = Double(parts[1]) else {
                throw ValidationError("'\(text)' is not GENERATION=SHARE.")
            }
            return AdapterAliasWeight(generation: String(parts[0]), share: share)
        }
        try await store.setAlias(alias, to: target, weights: parsed, for: options.caller)
    }
}
