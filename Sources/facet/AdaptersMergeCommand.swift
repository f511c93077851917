public import AdapterStore
public import ArgumentParser

extension AdapterMergeMethod: ExpressibleByArgument {}

/// `facet adapters merge`.
struct AdaptersMergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Make one adapter of several, as PEFT's add_weighted_adapter does.",
        discussion: """
            facet adapters merge tone=0.7 terms=0.3 --into both

            linear, ties and dare_ties need adapters of one rank; cat and svd do not, and do exactly \
            (svd: as nearly as the rank allows) what the weighted adapters do together.
            """
    )

    @OptionGroup var options: AdapterStoreOptions

    @Argument(help: "NAME=WEIGHT, at least two; a name may be an alias or name@generation.")
    var adapters: [String]

    @Option(help: "The name of the new adapter.")
    var into: String

    @Option(
        help: ArgumentHelp("How they are merged.", valueName: "linear|cat|svd|ties|dare_ties")
    )
    var method: AdapterMergeMethod = .linear

    @Option(help: "The share of numbers that ties and dare_ties keep, from 0 to 1.")
    var density = 0.5

    @Flag(help: "Make a new generation if the name is taken.")
    var replace = false

    func validate() throws {
        guard adapters.count >= 2 else { throw ValidationError("Give at least two NAME=WEIGHT.") }
        guard density > 0, density <= 1 else {
            throw ValidationError("--density is above 0 and at most 1.")
        }
        for adapter in adapters { _ = try WeightedAdapter(adapter) }
    }

    func run() async throws {
        let store = try options.open(model: nil)
        let parts = try adapters.map { text in
            let part = try WeightedAdapter(text)
            return (
                generation: try store.resolve(part.name, for: options.caller, splitKey: ""),
                weight: part.weight
            )
        }
        let merged = try await store.merge(
            parts,
            method: method,
            density: density,
            into: into,
            replacing: replace ? .always : .never,
            for: options.caller
        )
        print(merged.pinnedName)
    }
}

/// `NAME=WEIGHT` on a command line.
struct WeightedAdapter {
    let name: String
    let weight: Double

    /// - Parameter fallback: The weight of a name alone; without one it is an error.
    init(_ text: String, default fallback: Double? = nil) throws {
        guard let mark = text.lastIndex(of: "=") else {
            guard let fallback else { throw ValidationError("'\(text)' is not NAME=WEIGHT.") }
            (name, weight) = (text, fallback)
            return
        }
        guard let weight = Double(text[text.index(after: mark)...]), weight.isFinite,
            mark > text.startIndex
        else { throw ValidationError("'\(text)' is not NAME=WEIGHT.") }
        (name, self.weight) = (String(text[..<mark]), weight)
    }
}
