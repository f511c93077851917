import ArgumentParser
import Foundation

/// How many threads compute, from 1 to 1,024.
struct ThreadCount: ExpressibleByArgument {
    /// One thread for each core of this machine.
    static let perCore = ThreadCount(value: ProcessInfo.processInfo.activeProcessorCount)

    let value: Int

    private init(value: Int) {
        self.value = value
    }

    /// `nil` where the text is no number from 1 to 1,024.
    init?(argument: String) {
        guard let value = Int(argument), (1...1024).contains(value) else { return nil }
        self.init(value: value)
    }

    /// Help and manual pages say the same on every machine.
    var defaultValueDescription: String { "one per core" }
}
