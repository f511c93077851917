extension LearningRateSchedule {
    /// Arguments of a schedule by transformers' names; what is missing has transformers' default.
    public struct Options: Sendable, Hashable {
        private var values: [String: Double]

        /// No arguments.
        public init() { values = [:] }

        /// Arguments with values in `ranges`; the last of several of one name.
        init(_ values: [(String, Double)]) { self.values = Dictionary(values) { $1 } }

        /// An argument, where it is given.
        subscript(name: String) -> Double? { values[name] }

        /// The arguments by name.
        var sorted: [(key: String, value: Double)] { values.sorted { $0.key < $1.key } }

        /// What each may be.
        static let ranges: [String: ClosedRange<Double>] = [
            "num_cycles": 0...1e6, "power": 0...100, "lr_end": 0...10, "timescale": 1...1e9,
            "min_lr": 0...10, "min_lr_rate": 0...1, "warmup_lr_rate": 0...1,
            "num_decay_steps": 0...1e9, "num_stable_steps": 0...1e9, "min_lr_ratio": 0...1,
        ]
    }
}

extension LearningRateSchedule.Kind {
    /// The arguments the schedule takes.
    var optionNames: [String] {
        switch self {
        case .constant, .constantWithWarmup, .linear: []
        case .cosine, .cosineWithRestarts: ["num_cycles"]
        case .polynomial: ["lr_end", "power"]
        case .inverseSqrt: ["timescale"]
        case .cosineWithMinLR: ["num_cycles", "min_lr", "min_lr_rate"]
        case .cosineWarmupWithMinLR: ["num_cycles", "min_lr", "min_lr_rate", "warmup_lr_rate"]
        case .warmupStableDecay:
            ["num_decay_steps", "num_stable_steps", "min_lr_ratio", "num_cycles"]
        }
    }
}
