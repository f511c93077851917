/// The buckets of vLLM's histograms, so that its dashboards fit.
enum MetricBuckets {
    /// Seconds to the first token.
    static let firstToken: [Double] = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20,
        40, 80, 160, 640, 2560,
    ]

    /// Seconds between tokens.
    static let interToken: [Double] = [
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
        80,
    ]

    /// Seconds of a whole request.
    static let request: [Double] = [
        0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920,
        7680,
    ]

    /// Values of `n`.
    static let choices: [Double] = [1, 2, 5, 10, 20]

    /// Counts of tokens, in steps of 1, 2 and 5 up to the context.
    static func tokens(upTo context: Int) -> [Double] {
        var bounds: [Double] = []
        var power = 1
        while power <= context {
            for factor in [1, 2, 5] where power <= context / factor {
                bounds.append(Double(power * factor))
            }
            guard power <= Int.max / 10 else { break }
            power *= 10
        }
        return bounds
    }
}
