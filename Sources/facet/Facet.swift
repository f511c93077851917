import ArgumentParser

@main
struct Facet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facet",
        abstract: "One base model, many experts: serve and train LoRA adapters on one 4-bit base.",
        subcommands: [PullCommand.self]
    )
}
