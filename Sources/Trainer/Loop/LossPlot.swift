import Foundation

/// The loss over the steps as an SVG picture: as it was, and smoothed.
struct LossPlot {
    private let history: [StepRecord]
    private let width = 720.0
    private let height = 400.0
    private let margin = 56.0

    init(_ history: [StepRecord]) {
        self.history = history
    }

    /// The picture; axes with their ranges, no scripts, no fonts of its own.
    var svg: String {
        let losses = history.map(\.loss)
        let valid = history.compactMap { record in
            record.validLoss.map { (Double(record.step), $0) }
        }
        let all = losses + valid.map(\.1)
        let low = all.min() ?? 0
        let high = max(all.max() ?? 1, low + 1e-6)
        let lastStep = Double(max(history.last?.step ?? 1, 2))
        func point(_ step: Double, _ loss: Double) -> String {
            let x = margin + (step - 1) / (lastStep - 1) * (width - 2 * margin)
            let y = height - margin - (loss - low) / (high - low) * (height - 2 * margin)
            return "\(rounded(x)),\(rounded(y))"
        }
        func line(_ points: [(Double, Double)], _ style: String) -> String {
            let path = points.map { point($0.0, $0.1) }.joined(separator: " ")
            return "<polyline fill=\"none\" \(style) points=\"\(path)\"/>\n"
        }
        let steps = history.map { Double($0.step) }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" \
            font-family="sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="white"/>
            \(axes(low: low, high: high, lastStep: Int(lastStep)))
            \(line(Array(zip(steps, losses)), "stroke=\"#9db7e0\" stroke-width=\"1\""))\
            \(line(Array(zip(steps, smoothed(losses))), "stroke=\"#1f5fbf\" stroke-width=\"2\""))\
            \(line(valid, "stroke=\"#d9822b\" stroke-width=\"2\""))\
            </svg>

            """
    }

    private func axes(low: Double, high: Double, lastStep: Int) -> String {
        let bottom = height - margin
        let right = width - margin
        return """
            <path d="M \(margin) \(margin) V \(bottom) H \(right)" fill="none" stroke="#444"/>
            <text x="\(margin - 6)" y="\(margin + 4)" text-anchor="end">\(label(high))</text>
            <text x="\(margin - 6)" y="\(bottom + 4)" text-anchor="end">\(label(low))</text>
            <text x="\(margin)" y="\(bottom + 20)">1</text>
            <text x="\(right)" y="\(bottom + 20)" text-anchor="end">step \(lastStep)</text>
            <text x="\(margin)" y="\(margin - 16)">loss: each step, smoothed, validation</text>
            """
    }

    /// LLaMA-Factory's moving average: its weight grows with the length of the run.
    private func smoothed(_ values: [Double]) -> [Double] {
        guard var last = values.first else { return [] }
        let weight = 1.8 * (1 / (1 + exp(-0.05 * Double(values.count))) - 0.5)
        return values.map { value in
            last = last * weight + (1 - weight) * value
            return last
        }
    }

    private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    private func label(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
