-- One row per request and milestone: whether and when it was reached, and how long it was looked for. Only of the years that this build
-- writes again.
select
    request.cut_key,
    request.person_key,
    milestone.milestone_code,
    milestone.days_between,
    milestone.followed_days,
    milestone.status_code,
    milestone.link_source_code
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
