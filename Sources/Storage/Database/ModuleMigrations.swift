import GRDB

/// The tables of one module, as steps that are never changed once released.
public struct ModuleMigrations: Sendable {
    /// The module, such as `adapters`; unique.
    public let module: String
    private(set) var steps: [Step] = []

    /// A step, and the name under which a database remembers that it was taken.
    struct Step: Sendable {
        let identifier: String
        let migrate: @Sendable (DatabaseSession) throws -> Void
    }

    /// A module without tables yet; add them in order with `step`.
    public init(module: String) {
        self.module = module
    }

    /// Adds the next step; `name` tells what it brings and stays as it is for ever.
    public mutating func step(
        _ name: String,
        _ migrate: @escaping @Sendable (DatabaseSession) throws -> Void
    ) {
        let identifier = "\(module)/\(steps.count + 1) \(name)"
        steps.append(Step(identifier: identifier, migrate: migrate))
    }

    /// A step of this module that this program does not have: a newer one was here.
    func firstUnknown(among applied: Set<String>) -> String? {
        let known = Set(steps.map(\.identifier))
        return applied.filter { $0.hasPrefix(module + "/") && !known.contains($0) }.min()
    }
}

extension [ModuleMigrations] {
    /// All steps for a database of SQLite.
    var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for step in flatMap(\.steps) {
            migrator.registerMigration(step.identifier) { db in
                try step.migrate(DatabaseSession(db))
            }
        }
        return migrator
    }
}
