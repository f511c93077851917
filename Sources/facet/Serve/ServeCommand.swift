import API
import ArgumentParser
import Foundation
import InferenceRuntime
import Logging
import Storage

/// `facet serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a base model and its adapters to OpenAI clients, and train new ones.",
        discussion: """
            Without --model the embedded demo model is served. When requests are taken, one line \
            'listening on http://HOST:PORT' is printed. SIGTERM lets running answers finish; a \
            second one stops at once. SIGHUP reads the certificate again.

            Examples:
              facet serve --model models/tinyllama --adapter sql=adapters/sql
              facet serve --model models/tinyllama --host 0.0.0.0 --api-keys keys.json
              facet serve --config server.yaml
            """
    )

    @Option(
        help: ArgumentHelp(
            "The base: a folder in Hugging Face layout, a .gguf file, a name in the model cache, a "
                + "pulled hub id.",
            valueName: "model"
        )
    )
    var model: String?

    @Option(help: ArgumentHelp("What requests call the base.", valueName: "name"))
    var servedModelName: String?

    @Option(
        name: .customLong("adapter"),
        help: ArgumentHelp(
            "An adapter that belongs to everybody: a PEFT folder. Repeatable.",
            valueName: "name=dir"
        )
    )
    var adapters: [AdapterArgument] = []

    @Option(
        name: .customLong("adapter-root"),
        help: ArgumentHelp(
            "Where adapters may be loaded from over HTTP. Repeatable; by default the data "
                + "directory and the folder of the first --adapter.",
            valueName: "dir"
        )
    )
    var adapterRoots: [String] = []

    @Option(help: ArgumentHelp("The address to listen on.", valueName: "address"))
    var host = "127.0.0.1"

    @Option(
        name: .customLong("allowed-host"),
        help: ArgumentHelp(
            "A further name under which requests may reach the server, such as that of a proxy on "
                + "this machine. Repeatable; on loopback without keys only the names of this machine do.",
            valueName: "name"
        )
    )
    var allowedHosts: [String] = []

    @Option(help: ArgumentHelp("The port to listen on; 0 picks a free one.", valueName: "port"))
    var port = 8000

    @Option(
        help: ArgumentHelp(
            "Where files, jobs and adapters are kept; by default $XDG_DATA_HOME/facet or "
                + "~/.local/share/facet.",
            valueName: "dir"
        )
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "A PostgreSQL database in place of the data directory's own: servers with the same one "
                + "share adapters, jobs, files, batches and stored answers.",
            valueName: "postgresql://…"
        )
    )
    var database: String?

    @Option(
        help: ArgumentHelp(
            "An S3 bucket for adapters, files and checkpoints, which all servers with the same --database "
                + "read; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION say who asks.",
            valueName: "s3://bucket/prefix"
        )
    )
    var objects: String?

    @Option(help: ArgumentHelp("The address of an S3 store other than Amazon's.", valueName: "url"))
    var s3Endpoint: String?

    @Option(
        help: ArgumentHelp(
            "How much of the object store may lie on this disk, in MB, for adapters and for files each.",
            valueName: "mb"
        )
    )
    var objectCache = 10_000

    @Option(
        help: ArgumentHelp(
            "Seconds after which a job whose server is gone is taken over by another one with the "
                + "same --database.",
            valueName: "seconds"
        )
    )
    var jobLease = 15

    @Option(
        help: ArgumentHelp(
            "Ask for the keys in this file, or in a PostgreSQL database.",
            valueName: "file|url"
        )
    )
    var apiKeys: String?

    @Option(help: ArgumentHelp("The certificate chain for TLS, in PEM.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("The certificate's private key, in PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(help: ArgumentHelp("The most bytes of an uploaded file.", valueName: "n"))
    var maxFileBytes = 512 << 20

    @Option(
        help: ArgumentHelp(
            "The memory to plan with, in MB: weights, context cache, adapters, jobs and buffers; by "
                + "default what is free. A server that does not fit says so at its start.",
            valueName: "mb"
        )
    )
    var memory: Int?

    @Option(
        help: ArgumentHelp(
            "The memory for adapters, in MB; by default an eighth, at most 4 GiB. Those used last "
                + "stay, others are read again when asked for.",
            valueName: "mb"
        )
    )
    var adapterMemory: Int?

    @Option(
        help: ArgumentHelp(
            "The memory for training jobs together, in MB; by default a quarter of --memory. Jobs that "
                + "need more are refused with the number, others wait for it.",
            valueName: "mb"
        )
    )
    var trainingMemory: Int?

    @Option(
        help: ArgumentHelp(
            "The most of the engine's time that training gets while requests are answered, from 0 to "
                + "1; without requests it has all.",
            valueName: "share"
        )
    )
    var trainingShare = 0.3

    @Option(
        help: ArgumentHelp(
            "Milliseconds between two tokens of an answer that training may fill up; by default half "
                + "as long again as a token takes without training.",
            valueName: "ms"
        )
    )
    var latencyTarget: Double?

    @Flag(inversion: .prefixedNo, help: "Serve the web console at GET /.")
    var console = true

    @Flag(
        inversion: .prefixedNo,
        help: "Say what to try once the server listens; by default at a terminal."
    )
    var hint: Bool?

    @Option(
        help: ArgumentHelp(
            "Options from a YAML file, by their long names; those on the command line win.",
            valueName: "file.yaml"
        )
    )
    var config: String?

    @OptionGroup var engine: EngineOptions

    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port must be from 0 to 65535.")
        }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together.")
        }
        guard database.map(FacetDatabase.isURL) ?? true else {
            throw ValidationError("--database must be a URL that begins with postgresql://.")
        }
        let memories = [
            ("--memory", memory), ("--adapter-memory", adapterMemory),
            ("--training-memory", trainingMemory),
        ]
        for (name, value) in memories where !(1...(1 << 30)).contains(value ?? 1) {
            throw ValidationError("\(name) must be a number of MB, at least 1.")
        }
        guard (1...(1 << 30)).contains(objectCache) else {
            throw ValidationError("--object-cache must be a number of MB, at least 1.")
        }
        guard (1...3_600).contains(jobLease) else {
            throw ValidationError("--job-lease must be from 1 to 3600 seconds.")
        }
        guard (0...1).contains(trainingShare) else {
            throw ValidationError("--training-share must be from 0 to 1.")
        }
        guard (0...60_000).contains(latencyTarget ?? 0) else {
            throw ValidationError("--latency-target must be from 0 to 60000 milliseconds.")
        }
        guard (1...(1 << 50)).contains(maxFileBytes) else {
            throw ValidationError("--max-file-bytes must be from 1 to \(1 << 50).")
        }
    }

    /// The memory that was asked for.
    var memoryWishes: EngineAssembly.Wishes {
        EngineAssembly.Wishes(
            total: memory.map { $0 * 1_000_000 },
            adapters: adapterMemory.map { $0 * 1_000_000 },
            training: trainingMemory.map { $0 * 1_000_000 }
        )
    }

    /// What training gets beside requests.
    var trainingPriority: TrainingPriority {
        TrainingPriority(
            share: trainingShare,
            latencyTarget: latencyTarget.map { .microseconds($0 * 1000) }
        )
    }

    func run() async throws {
        FreeMemory.keepLittle()
        // Whatever the server writes belongs to its owner alone, also where the shell is generous.
        umask(0o077)
        let assembly = try await ServerAssembly(self)
        try await assembly.run()
    }
}

/// `NAME=DIR` on the command line.
struct AdapterArgument: ExpressibleByArgument, Sendable {
    let name: String
    let path: String

    init?(argument: String) {
        guard let mark = argument.firstIndex(of: "=") else { return nil }
        name = String(argument[..<mark])
        path = String(argument[argument.index(after: mark)...])
        if name.isEmpty || path.isEmpty { return nil }
    }
}
