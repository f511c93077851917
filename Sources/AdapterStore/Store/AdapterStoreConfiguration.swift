public import Logging
public import Storage

/// How a store is set up; fixed for its life.
public struct AdapterStoreConfiguration: Sendable {
    /// The base adapters are checked against and loaded for; `nil` where no model is at hand, as
    /// in the offline commands: names and files work, leases do not.
    public var base: AdapterBase?
    /// Bytes of weights that may be in memory at a time.
    public var memoryBudget: Int
    /// Where `load` may read.
    public var roots: AdapterRoots
    /// The largest weights file that is taken, in bytes.
    public var maximumWeightsBytes = 4 << 30
    /// How long a replaced generation can still be named, in seconds.
    public var graceSeconds = 24 * 3600
    /// How many reads may hang before others wait.
    public var loadThreads = 8
    /// What all servers keep adapters in; `nil`: the data directory alone has them.
    public var objects: (any ObjectStore)?
    /// Bytes of adapters that stay on this disk where `objects` has them.
    public var cacheBytes = 10 << 30
    /// Where failures are told that stop nobody.
    public var logger = Logger(label: "facet")
    /// Unix seconds.
    public var now: @Sendable () -> Int

    /// A configuration with the usual limits.
    public init(base: AdapterBase?, memoryBudget: Int, roots: AdapterRoots) {
        self.base = base
        self.memoryBudget = memoryBudget
        self.roots = roots
        self.now = { UnixTime.now }
    }
}
