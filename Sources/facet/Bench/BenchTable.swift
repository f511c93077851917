import Foundation
import InferenceRuntime

/// The measurements for people: next to each what the machine could do at best.
struct BenchTable {
    let machine: BenchMachine
    let model: BenchModel
    let results: [BenchResult]

    var text: String { ([heading] + results.map(line)).joined(separator: "\n") }

    /// What it ran on.
    var introduction: String {
        let ceilings = machine.ceilings
        func rate(_ value: Double, _ unit: String) -> String {
            value > 0 ? String(format: "%.0f ", value) + unit : "none"
        }
        return """
            \(machine.processor), \(machine.threads) thread\(machine.threads > 1 ? "s" : ""), \(InstructionSet.current.rawValue)
            \(model.name), \(model.dtype.rawValue), weights of \
            \(Self.megabytes(model.model.weightBytes)) MB
            peaks: memory \(String(format: "%.1f", ceilings.readGBps)) GB/s \
            (\(String(format: "%.1f", machine.oneThreadGBps)) with one thread), \
            int8 \(rate(ceilings.int8GOPS, "GOP/s")), \
            bf16 \(rate(ceilings.bf16GFLOPS, "GFLOP/s")), \
            fp32 \(rate(ceilings.fp32GFLOPS, "GFLOP/s"))

            """
    }

    private var heading: String {
        Self.row("", "tokens/s", "time", "GB/s", "of peak", "GOP/s", "of peak", "memory")
    }

    private func line(_ result: BenchResult) -> String {
        let seconds = result.sample.seconds
        let isLoad = result.kind == .adapterLoad
        let (read, computed) = (
            result.work.bytes / seconds / 1e9, result.work.operations / seconds / 1e9
        )
        func number(_ value: Double, _ format: String) -> String {
            value > 0 ? String(format: format, value) : ""
        }
        func share(_ value: Double, of peak: Double) -> String {
            value > 0 && peak > 0 ? String(format: "%.0f %%", 100 * value / peak) : ""
        }
        return Self.row(
            result.label,
            isLoad ? "" : String(format: "%.1f", result.tokensPerSecond),
            Self.time(seconds / result.steps),
            number(read, "%.1f"),
            share(read, of: machine.ceilings.readGBps),
            number(computed, "%.0f"),
            share(computed, of: machine.peak(result.computeDType)),
            "\(Self.megabytes(result.residentBytes)) MB"
        )
    }

    private static func time(_ seconds: Double) -> String {
        seconds < 1
            ? String(format: "%.1f ms", seconds * 1000) : String(format: "%.2f s", seconds)
    }

    private static func megabytes(_ bytes: Int) -> Int { (bytes + 500_000) / 1_000_000 }

    private static func row(_ label: String, _ columns: String...) -> String {
        let widths = [10, 11, 8, 9, 8, 9, 10]
        let cells = zip(columns, widths).map { text, width in
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return label.padding(toLength: 34, withPad: " ", startingAt: 0) + cells.joined()
    }
}
