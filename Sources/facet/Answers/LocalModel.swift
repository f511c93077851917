import API
import ArgumentParser
import InferenceRuntime
import Trainer

/// Options of the commands that answer in the terminal.
struct AnswerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The base: a folder, a name in the model cache, a pulled hub id; by default the demo.",
            valueName: "model"
        )
    )
    var model: String?

    @Option(help: ArgumentHelp("Answer through this adapter: a PEFT folder.", valueName: "dir"))
    var adapter: String?

    @Option(help: "0 takes the likeliest token, 1 draws as the model says.")
    var temperature: Float = 0.7

    @Option(help: "Keeps the likeliest tokens with this much probability.")
    var topP: Float = 1

    @Option(help: ArgumentHelp("The same seed draws the same answer.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("The longest answer, in tokens.", valueName: "n"))
    var maxTokens: Int = 512

    @Option(help: ArgumentHelp("What the model is told first.", valueName: "text"))
    var system: String?

    @OptionGroup var engine: EngineOptions
}

/// A model in this process, with its engine, that answers conversations.
struct LocalModel {
    private let checkpoint: ServedCheckpoint
    private let assembly: EngineAssembly
    private let mix: AdapterMix

    private var engine: Engine { assembly.engine }
    private var encoder: ConversationEncoder { checkpoint.base.encoder }

    /// Loads a base (`nil`: the demo) and an adapter.
    init(model: String?, adapter: String?, _ options: EngineOptions) throws {
        let demo = try model == nil ? DemoModel.locate() : nil
        let pool = ThreadPool(threads: options.threads.value)
        checkpoint = try ServedCheckpoint.load(
            demo?.folder ?? model ?? "",
            name: demo?.name,
            options,
            pool: pool
        )
        do throws(AdapterError) {
            let architecture = checkpoint.model.architecture
            let base = BaseTensors(folder: checkpoint.base.folder)
            let adapter = try adapter.map { (folder) throws(AdapterError) in
                try LoRAAdapter(
                    folder: folder,
                    for: architecture,
                    base: base
                )
            }
            mix = AdapterMix(adapter.map { [AdapterMix.Entry(adapter: $0, scale: 1)] } ?? [])
        } catch {
            throw CommandError("--adapter \(adapter ?? ""): \(error)")
        }
        assembly = try EngineAssembly(
            checkpoint.model,
            options,
            pool: pool,
            memory: EngineAssembly.Wishes(training: 0)
        )
    }

    /// What the base is called.
    var name: String { checkpoint.base.name }

    /// What an evaluation measures.
    var subject: LocalEvaluation.Subject {
        LocalEvaluation.Subject(
            LocalTraining.Base(
                checkpoint.base,
                model: checkpoint.model,
                context: assembly.context
            ),
            engine: engine,
            adapters: mix
        )
    }

    /// Whether conversations can be rendered; without a template there is only text.
    var hasTemplate: Bool { encoder.templates != nil }

    /// Answers a conversation, or continues a text where the model has no chat template.
    /// - Parameter show: Gets the text as it comes.
    func answer(
        _ messages: [JSONValue],
        _ options: AnswerOptions,
        show: (String) -> Void
    ) async throws -> String {
        let request = GenerationRequest(
            id: "terminal",
            prompt: try prompt(messages),
            sampling: SamplingParameters(
                temperature: options.temperature,
                topP: options.topP,
                seed: options.seed
            ),
            maxTokens: options.maxTokens,
            stopTokens: checkpoint.base.defaults.stopTokens,
            adapters: mix
        )
        var detokenizer = StreamingDetokenizer(encoder.tokenizer, skipSpecialTokens: true)
        var text = ""
        func add(_ piece: String) {
            text += piece
            show(piece)
        }
        for await event in try engine.generate(request) {
            switch event {
            case .token(_, let sample): add(detokenizer.append(sample.id))
            case .failed(let error): throw error
            case .prompt, .finished: break
            }
        }
        add(detokenizer.flush())
        return text
    }

    private func prompt(_ messages: [JSONValue]) throws -> [Int32] {
        guard hasTemplate else {
            let text = messages.compactMap { $0["content"]?.string }.joined(separator: "\n")
            return encoder.tokens(plain: text)
        }
        let conversation = Conversation(messages, addGenerationPrompt: true)
        return encoder.tokens(rendered: try encoder.text(of: conversation))
    }
}
