import Storage

/// Everything the store refuses, precisely: none of these ever ends in an answer by the base.
public enum AdapterStoreError: Error, Sendable, Hashable {
    /// No such adapter or alias that the caller may see.
    case unknownAdapter(name: String)
    /// The adapter is known, this generation of it is not, or no longer.
    case unknownGeneration(name: String, generation: String)
    /// Not a name an adapter may have.
    case invalidName(name: String, reason: String)
    /// The name is in use and replacing it was not asked for.
    case nameTaken(name: String)
    /// The name is an alias; an adapter cannot take it.
    case nameIsAlias(name: String)
    /// `expected_generation` is not what the name means now (`nil`: it means nothing).
    case generationConflict(name: String, expected: String, actual: String?)
    /// The caller sees the adapter but may not change it.
    case notPermitted(name: String)
    /// The adapter was made for another base.
    case wrongBase(name: String, expected: String, actual: String)
    /// The adapter does not fit the model, or uses what facet does not compute.
    case unfit(name: String, reason: String)
    /// The stored files are not what was published.
    case damaged(name: String, reason: String)
    /// Not below an allowed root, or not a path at all.
    case pathNotAllowed(path: String, reason: String)
    /// What the path names is no adapter that can be read.
    case invalidSource(path: String, reason: String)
    /// Larger than the store takes.
    case tooLarge(path: String, bytes: Int, limit: Int)
    /// More bytes on disk than its owner's adapters may take together.
    case overAllowance(name: String, needed: Int, allowance: Int)
    /// More memory than the whole budget of resident adapters.
    case overBudget(name: String, bytes: Int, budget: Int)
    /// Alias weights that cannot be followed.
    case invalidWeights(alias: String, reason: String)
    /// The alias has no earlier version.
    case nothingToRollBack(alias: String)
    /// A mix that names an adapter twice or scales it out of range.
    case invalidMix(reason: String)
    /// The task that asked was cancelled.
    case cancelled
    /// The disk or the database failed; nothing was changed.
    case storage(operation: String, reason: String)
    /// The shared database or object store is away; nothing was changed, and later it may work.
    case unavailable(reason: String)
}

extension AdapterStoreError: CustomStringConvertible {
    /// A sentence for the one who asked.
    public var description: String {
        switch self {
        case .unknownAdapter(let name):
            "The adapter '\(name)' does not exist."
        case .unknownGeneration(let name, let generation):
            "The adapter '\(name)' has no generation '\(generation)'."
        case .invalidName(let name, let reason):
            "'\(name)' cannot name an adapter: \(reason)."
        case .nameTaken(let name):
            "The adapter '\(name)' exists already; replacing it must be asked for (load_inplace)."
        case .nameIsAlias(let name):
            "'\(name)' is an alias; remove the alias first."
        case .generationConflict(let name, let expected, let actual):
            "The adapter '\(name)' is at generation \(actual ?? "none"), not \(expected)."
        case .notPermitted(let name):
            "The adapter '\(name)' belongs to everybody; only an administrator may change it."
        case .wrongBase(let name, let expected, let actual):
            "The adapter '\(name)' was made for the base \(actual), this one is \(expected)."
        case .unfit(let name, let reason):
            "The adapter '\(name)' cannot be served: \(reason)."
        case .damaged(let name, let reason):
            "The files of adapter '\(name)' are damaged: \(reason)."
        case .pathNotAllowed(let path, let reason):
            "The path '\(path)' is not allowed: \(reason)."
        case .invalidSource(let path, let reason):
            "'\(path)' is no adapter: \(reason)."
        case .tooLarge(let path, let bytes, let limit):
            "'\(path)' has \(bytes) bytes; at most \(limit) are taken."
        case .overAllowance(let name, let needed, let allowance):
            "The adapter '\(name)' does not fit: your adapters would take \(needed) bytes, \(allowance) are "
                + "left for them. Delete some first."
        case .overBudget(let name, let bytes, let budget):
            "The adapter '\(name)' needs \(bytes) bytes of memory; the budget is \(budget)."
        case .invalidWeights(let alias, let reason):
            "The weights of alias '\(alias)' cannot be used: \(reason)."
        case .nothingToRollBack(let alias):
            "The alias '\(alias)' has no earlier version."
        case .invalidMix(let reason):
            "The adapters cannot be mixed: \(reason)."
        case .cancelled:
            "The request was cancelled."
        case .storage(let operation, let reason):
            "Could not \(operation): \(reason)."
        case .unavailable(let reason): reason
        }
    }
}
