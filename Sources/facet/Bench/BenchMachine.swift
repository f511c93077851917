import Foundation
import InferenceRuntime

/// The machine and what it could do at best.
struct BenchMachine {
    let threads: Int
    /// With all threads.
    let ceilings: MachineCeilings
    /// Reading with one thread, 10⁹ bytes per second.
    let oneThreadGBps: Double

    init(threads: Int) {
        self.threads = threads
        oneThreadGBps = MachineCeilings.measure(threads: 1).readGBps
        ceilings = MachineCeilings.measure(threads: threads)
    }

    /// The peak that a compute mode is measured by, 10⁹ operations per second.
    func peak(_ dtype: ComputeDType) -> Double {
        switch dtype {
        case .int8: ceilings.int8GOPS
        case .bf16: ceilings.bf16GFLOPS > 0 ? ceilings.bf16GFLOPS : ceilings.fp32GFLOPS
        case .fp32: ceilings.fp32GFLOPS
        }
    }

    /// The processor as the system calls it.
    var processor: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
    }

    var json: JSONObject {
        [
            "processor": .string(processor),
            "cores": JSONValue(ProcessInfo.processInfo.activeProcessorCount),
            "threads": JSONValue(threads),
            "instruction_set": .string(InstructionSet.current.rawValue),
            "memory_bytes": JSONValue(Int(ProcessInfo.processInfo.physicalMemory)),
            "read_gbps_one_thread": JSONValue(oneThreadGBps),
        ]
    }

    var ceilingsJSON: JSONValue {
        [
            "read_gbps": JSONValue(ceilings.readGBps),
            "int8_gops": JSONValue(ceilings.int8GOPS),
            "bf16_gflops": JSONValue(ceilings.bf16GFLOPS),
            "fp32_gflops": JSONValue(ceilings.fp32GFLOPS),
        ]
    }
}
