import InferenceRuntime

/// One line of the measurements: the median of several repetitions.
struct BenchResult {
    /// The names in JSON.
    enum Kind: String {
        case prefill, decode, train
        case adapterLoad = "adapter_load"
    }

    /// Tokens and the time they took.
    struct Sample {
        var tokens: Int
        var seconds: Double

        /// The one in the middle by time per token; of an even number, the slower one.
        static func median(_ samples: [Sample]) -> Sample {
            let sorted = samples.sorted { $0.pace < $1.pace }
            return sorted[sorted.count / 2]
        }

        private var pace: Double { seconds / Double(max(tokens, 1)) }
    }

    let kind: Kind
    /// What the table calls it.
    let label: String
    let sample: Sample
    var streams = 1
    /// Different adapters at work, and their rank.
    var adapters = 0, rank = 0
    let computeDType: ComputeDType
    /// The most memory the process held meanwhile.
    let residentBytes: Int
    /// What had to be read and computed for all tokens.
    var work = BenchWork()

    var tokensPerSecond: Double { Double(sample.tokens) / sample.seconds }

    /// Forward passes that the tokens took.
    var steps: Double {
        kind == .decode ? Double(sample.tokens) / Double(streams) : 1
    }

    var json: JSONValue {
        [
            "test": .string(kind.rawValue),
            "tokens": JSONValue(sample.tokens),
            "streams": JSONValue(streams),
            "adapters": JSONValue(adapters),
            "rank": JSONValue(rank),
            "compute_dtype": .string(computeDType.rawValue),
            "tokens_per_second": JSONValue(tokensPerSecond),
            "seconds": JSONValue(sample.seconds),
            "resident_bytes": JSONValue(residentBytes),
        ]
    }
}

/// What a measurement cannot do without: bytes to read and operations to compute.
///
/// Weights of linear layers and head, adapters, and what attention reads; a multiply-add is two
/// operations.
struct BenchWork {
    var bytes = 0.0
    var operations = 0.0
}
