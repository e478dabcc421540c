"""What the change feed tells by codes: what happened to a record."""

from toilet_api.kernel.codes import Code, code_list

CHANGE_OPERATIONS = code_list(
    "change_operation",
    "变更",
    "What happened to a record",
    [
        Code("created", "新建", "made"),
        Code("updated", "修改", "changed"),
        Code("removed", "删除", "removed, or ended"),
        Code("restored", "恢复", "brought back"),
        Code("moved", "变更区划", "now in another division of the scope"),
        Code("left_scope", "移出范围", "moved out of the scope: delete your copy"),
        Code("entered_scope", "移入范围", "moved into the scope from outside"),
    ],
)
PAST = {"create": "created", "update": "updated", "remove": "removed", "restore": "restored", "move": "moved"}
"""The journal's operation -> the feed's, for who sees both places of a move."""
