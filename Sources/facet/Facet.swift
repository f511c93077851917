import API
import ArgumentParser
import InferenceRuntime

@main
struct Facet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facet",
        abstract: "One base model, many experts: serve and train LoRA adapters on one 4-bit base.",
        version: FacetVersion.text,
        subcommands: [
            ServeCommand.self,
            GenerateCommand.self,
            ChatCommand.self,
            TrainCommand.self,
            EvalCommand.self,
            PullCommand.self,
            QuantizeCommand.self,
            KeysCommand.self,
            AdaptersCommand.self,
            BenchCommand.self,
        ]
    )

    static func main() async {
        do {
            try InstructionSet.checkEnvironment()
            let arguments = try ConfigurationFile.expand(Array(CommandLine.arguments.dropFirst()))
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }
}
