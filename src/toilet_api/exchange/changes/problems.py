"""What may be wrong with a cursor of the change feed, or with waiting for more."""

from toilet_api.kernel.errors import ProblemType

_RULE = "接口约定：变更流"
_AGAIN = (
    "请重新开始：先 POST /exports 导出，再以其 change_cursor 作为 since；不导出的类型先取 since=now，再读一遍列表。",
    "Start again: POST /exports, its change_cursor is your `since`. Other types: since=now, then walk their list.",
)

NOT_THIS_CURSOR = (
    "请用同一 types、division 的上一个 next_cursor；已没有的，先 POST /exports，以其 change_cursor 作为 since。",
    "Use the last next_cursor of these types and division; without one, POST /exports and take its change_cursor.",
)
"""What to do about `bad_cursor` here. The oldest change that is kept is no place to begin a copy at."""

CURSOR_EXPIRED = ProblemType(
    "change_cursor_expired",
    410,
    "变更游标已过期",
    "The cursor is older than the changes that are kept",
    _RULE,
    _AGAIN,
)
SCOPE_CHANGED = ProblemType(
    "change_cursor_scope_changed",
    410,
    "取得游标以来您的管辖范围或权限已变",
    "Your scope or your permissions have changed since this cursor",
    _RULE,
    _AGAIN,
)
TOO_MANY_WAITING = ProblemType(
    "too_many_waiting",
    503,
    "等待变更的请求过多",
    "Too many requests wait for changes",
    _RULE,
    ("请按 Retry-After 稍后重试，或以 wait=0 轮询。", "Try again after Retry-After seconds, or poll with wait=0."),
)
