/// Something a template can call.
final class TemplateFunction {
    enum Body {
        case macro(MacroDefinition, TemplateScope)
        case method(TemplateValue, PythonString)
        case global(GlobalFunction)
        case loopMethod(LoopContext, PythonString)
    }

    let body: Body

    init(_ body: Body) { self.body = body }

    var depth: Int {
        switch body {
        case .method(let receiver, _): receiver.depth + 1
        case .loopMethod(let loop, _): loop.depthOfItems + 1
        case .macro, .global: 0
        }
    }

    var typeName: String {
        switch body {
        case .macro: "Macro"
        case .method: "builtin_function_or_method"
        case .global: "function"
        case .loopMethod: "method"
        }
    }
}

/// The functions every template has.
enum GlobalFunction: String, CaseIterable {
    case range, dict, namespace, cycler, joiner, lipsum
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
}

/// The evaluated arguments of a call.
struct CallValues {
    var positional: [TemplateValue] = []
    var keyword: [(name: PythonString, value: TemplateValue)] = []

    /// The value of a keyword argument.
    func keyword(_ name: PythonString) -> TemplateValue? {
        keyword.first { $0.name == name }?.value
    }

    /// The values by parameter, `nil` where none was given.
    /// - Returns: a message instead where they do not fit.
    func bound(to parameters: [PythonString], of function: String) throws(CallValuesError)
        -> [TemplateValue?]
    {
        guard positional.count <= parameters.count else {
            throw CallValuesError(
                message: "\(function)() takes at most \(parameters.count) arguments "
                    + "(\(positional.count) given)"
            )
        }
        var values: [TemplateValue?] = positional
        values += [TemplateValue?](repeating: nil, count: parameters.count - positional.count)
        for (name, value) in keyword {
            guard let index = parameters.firstIndex(of: name) else {
                throw CallValuesError(
                    message: "\(function)() got an unexpected keyword argument '\(name.string)'"
                )
            }
            guard values[index] == nil else {
                throw CallValuesError(
                    message: "\(function)() got multiple values for argument '\(name.string)'"
                )
            }
            values[index] = value
        }
        return values
    }
}

/// Arguments that do not fit a function.
struct CallValuesError: Error { let message: String }
