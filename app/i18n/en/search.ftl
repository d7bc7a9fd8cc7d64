# What is wrong with the filters of a search, on every face.

search-filter-empty = { $filter }: needs something behind it, such as { $filter ->
    [from] from:alice
    [in] in:lobby
   *[other] { $filter }:2026-11-21
}

search-filter-twice = { $filter }: can stand there only once

search-nobody = from:{ $typed }: nobody of this name is known here

search-many-people = “{ $typed }” could be several people; use a fingerprint: { $fingerprints }

search-no-place = in:{ $typed }: there is no room and no person of this name here

search-not-a-day = { $typed } is no day; write it like 2026-11-21

search-list-comma = {", "}
