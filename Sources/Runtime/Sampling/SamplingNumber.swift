/// A number among the sampling parameters: its name in requests, its place, and what it may be.
///
/// Requests and the engine read and check by this one table.
public struct SamplingNumber: Sendable {
    /// As requests call it.
    public let name: String
    /// Where it is kept.
    public let path: any WritableKeyPath<SamplingParameters, Float> & Sendable
    /// What requests may ask for.
    public let range: ClosedRange<Double>
    /// What the engine computes with.
    let computable: ClosedRange<Float>

    private init(
        _ name: String,
        _ path: any WritableKeyPath<SamplingParameters, Float> & Sendable,
        _ range: ClosedRange<Double>,
        computable: ClosedRange<Float>? = nil
    ) {
        self.name = name
        self.path = path
        self.range = range
        self.computable = computable ?? Float(range.lowerBound)...Float(range.upperBound)
    }

    /// All of them.
    public static let all = [
        SamplingNumber("temperature", \.temperature, 0...2, computable: 0...1000),
        SamplingNumber("top_p", \.topP, 0...1),
        SamplingNumber("min_p", \.minP, 0...1),
        SamplingNumber("repetition_penalty", \.repetitionPenalty, 0.01...100),
        SamplingNumber("presence_penalty", \.presencePenalty, -2...2, computable: -100...100),
        SamplingNumber("frequency_penalty", \.frequencyPenalty, -2...2, computable: -100...100),
    ]
}
