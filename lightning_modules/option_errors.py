"""Messages of jsonargparse about an option, in one line."""

import re


def tell_option_error(message: str) -> str:
    """Say which option is refused, what was expected and what came.

    jsonargparse nests the reasons why a value has none of the types of an option, from a section of
    the configuration down to the option in it. The innermost reason is the one to tell.

    Args:
        message: Message of an error of parsing options, or of any other error.

    Returns:
        One line; the message in one line where it is of no such kind.
    """
    name = _find_name(message)
    unknown = re.search(
        r"class_path '(\S+)':\s+Option '(\S+)' is not accepted"
        r"|Subtypes: \[<class '(?:\w+\.)*(\w+)'>.*\s+Errors:\s+- Unexpected keys: {'(\w+)'",
        message,
    )
    if unknown:
        owner, option = unknown[1] or unknown[3], unknown[2] or unknown[4]
        section = name.removesuffix(f".{option}").removesuffix(f".{option.partition('.')[0]}")
        full = f"{section}.{option}"
        return f"Expected an option of {owner} (got '{full}')"
    missing = re.search(r"File does not exist: (\S.*)", message)
    if missing and name:
        return f"Expected '{name}' to be a file that exists (got {missing[1]})"
    named = re.search(r"class_path '(\S+)':\s+(?!Parser key |\s)(.+)", message)
    if named:
        return f"Expected '{name}' to name a class (got {named[1]!r}: {named[2]})"
    refused = re.search(r"Expected a (.+)\. Got value: (.*)", message)
    if refused and name:
        return f"Expected '{name}' to be {_describe(refused[1])} (got {refused[2]!r})"
    _, found, reasons = message.rpartition("Errors:\n")  # The last ones are the innermost.
    told = re.match(r"\s*- (?!Expected a <class )(.+)", reasons)
    if found and told:  # by a constructor, which names its argument
        return told[1]
    types = re.findall(r"Subtypes: \[(.*)\]\n", message)
    value = re.search(r"Given value: (.*)", message)
    if name and types and value:
        return f"Expected '{name}' to be {_describe(types[-1])} (got {value[1]!r})"
    return " ".join(message.split())


def _find_name(message: str) -> str:
    """Find the name of the option, with the sections that it is in."""
    keys = re.findall(r'Parser key "([^"]+)"', message)
    # An option of options, such as those of a pool, is no key of its own.
    nested = re.search(r"Given value: NestedArg\(key='([\w.]+)'", message)
    if keys and nested and nested[1] != ".".join(keys[1:]):
        keys.append(nested[1])
    return ".".join(keys)


def _describe(types: str) -> str:
    """Name types as users write them, without None."""
    literal = re.fullmatch(r"typing\.Literal\[(.*)\]", types)
    if literal:
        return f"one of {literal[1]}"
    names = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", types).removesuffix(", NoneType")
    if names.startswith("dict["):
        return f"{names}, such as {{NAME: VALUE}}"
    # Equal unions are one object, in the order of that which is imported first.
    return " or ".join(sorted(re.split(r", (?![^[]*\])", names)))
