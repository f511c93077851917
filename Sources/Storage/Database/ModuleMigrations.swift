public import GRDB

/// The tables of one module, as steps that are never changed once released.
public struct ModuleMigrations: Sendable {
    /// The module, such as `adapters`; unique.
    public let module: String
    private var steps: [(identifier: String, migrate: @Sendable (Database) throws -> Void)] = []

    /// A module without tables yet; add them in order with `step`.
    public init(module: String) {
        self.module = module
    }

    /// Adds the next step; `name` tells what it brings and stays as it is for ever.
    public mutating func step(
        _ name: String,
        _ migrate: @escaping @Sendable (Database) throws -> Void
    ) {
        steps.append((identifier: "\(module)/\(steps.count + 1) \(name)", migrate: migrate))
    }

    func register(in migrator: inout DatabaseMigrator) {
        for step in steps {
            migrator.registerMigration(step.identifier, migrate: step.migrate)
        }
    }

    /// A step of this module that this program does not have: a newer one was here.
    func firstUnknown(among applied: Set<String>) -> String? {
        let known = Set(steps.map(\.identifier))
        return applied.filter { $0.hasPrefix(module + "/") && !known.contains($0) }.min()
    }
}
