import API
import ArgumentParser
import Foundation

/// `facet keys`.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Create, list and revoke API keys; a running server follows within seconds.",
        subcommands: [Create.self, List.self, Revoke.self]
    )

    struct File: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "The file of keys, or a PostgreSQL database with them.",
                valueName: "file|url"
            )
        )
        var apiKeys: String

        var keys: any KeyStore {
            get throws(KeyFileError) { try KeyPlace.store(apiKeys) }
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key; it is shown this once."
        )

        @OptionGroup var file: File

        @Option(help: ArgumentHelp("Whom the key belongs to.", valueName: "name"))
        var tenant: String

        @Option(
            help: ArgumentHelp(
                "What it may do: any of infer, train, admin.",
                valueName: "rights"
            )
        )
        var rights = "infer,train"

        @Option(
            help: ArgumentHelp(
                "How much it may use, such as requests=60,tokens=100000,parallel=4,bytes=2GB.",
                valueName: "limits"
            )
        )
        var limits: String?

        func run() throws {
            let made = try file.keys.create(
                tenant: tenant,
                rights: try KeyRight.list(parsing: rights),
                limits: try limits.map(KeyLimits.init(parsing:)) ?? KeyLimits()
            )
            print(made.key.id)
            print(made.text)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the keys.")

        @OptionGroup var file: File

        func run() throws {
            for key in try file.keys.load() {
                let rights = KeyRight.allCases.filter(key.rights.contains).map(\.rawValue)
                let created = Date(timeIntervalSince1970: Double(key.created))
                print(
                    "\(key.id)  \(key.tenant)  \(rights.joined(separator: ","))  "
                        + created.formatted(.iso8601)
                )
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a key away.")

        @OptionGroup var file: File

        @Argument(help: "The key's id, as 'create' and 'list' show it.")
        var id: String

        func run() throws {
            let key = try file.keys.revoke(id: id)
            print("revoked \(key.id) of \(key.tenant)")
        }
    }
}
