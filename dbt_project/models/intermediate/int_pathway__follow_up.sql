{{ config(materialized='table') }}
-- Whether and when the requests of the cells that this build writes again reached each milestone, and how long that was looked for: one row
-- per request that did, one for those of a cut that did not in the same way, which have no person here.
with followed as (
    select
        request.cut_key,
        request.person_key,
        milestone.*
    from {{ ref('int_pathway__request_cut') }} as request
    cross join
        lateral (
            values
            {% for prefix in ['assessment', 'charge', 'service', 'far', 'adi', 'smac', 'sisam'] %}
                (
                    '{{ prefix if loop.index <= 3 else prefix | upper }}', request.{{ prefix }}_days, request.{{ prefix }}_followed_days,
                    request.{{ prefix }}_status_code, request.{{ prefix }}_link_source_code
                ){{ ',' if not loop.last }}
            {% endfor %}
        ) as milestone (milestone_code, days_between, followed_days, status_code, link_source_code)
)

select
    cut_key,
    person_key,
    milestone_code,
    days_between,
    followed_days,
    status_code,
    link_source_code,
    1 as n_requests
from followed
where status_code = 'happened'
union all
select
    cut_key,
    null,
    milestone_code,
    null,
    followed_days,
    status_code,
    null,
    cast(count(*) as integer)
from followed
where status_code <> 'happened'
group by cut_key, milestone_code, followed_days, status_code
