{{ config(materialized='table') }}
-- One row per cell that this build writes again and measure of its requests, a milestone or `without_sequel`: by how much the
-- variance of the share is larger than of as many requests of different persons. See docs/decisions/0038.
{% set measures = ['assessment', 'charge', 'service', 'FAR', 'ADI', 'SMAC', 'SISAM', 'without_sequel'] %}
-- Of each person: how many requests, and how many of them have it.
with person as (
    select
        cut.cell_key,
        request.person_key,
        {% for measure in measures[:-1] %}
            count(*) filter (where request.{{ measure | lower }}_followed_days is not null) as n_{{ measure | lower }},
            count(*) filter (where request.{{ measure | lower }}_status_code = 'happened') as x_{{ measure | lower }},
        {% endfor %}
        count(*) filter (where request.is_sequel_known) as n_without_sequel,
        count(*) filter (where request.is_without_sequel) as x_without_sequel
    from {{ ref('int_pathway__request_cut') }} as request
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on request.cut_key = cut.cut_key
    group by 1, 2
),

cell as (
    select
        cell_key,
    {% for measure in measures | map('lower') %}
        cast(sum(n_{{ measure }}) as double precision) as n_{{ measure }},
        cast(sum(x_{{ measure }}) as double precision) as x_{{ measure }},
        cast(sum(n_{{ measure }} * n_{{ measure }}) as double precision) as nn_{{ measure }},
        cast(sum(n_{{ measure }} * x_{{ measure }}) as double precision) as nx_{{ measure }},
        cast(sum(x_{{ measure }} * x_{{ measure }}) as double precision) as xx_{{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from person
    group by 1
)

select
    cell.cell_key,
    measure.measure_code,
    {{ design_effect('measure') }} as design_effect
from cell
cross join
    lateral (
        values
        {% for measure in measures %}
            (
                '{{ measure }}', n_{{ measure | lower }}, x_{{ measure | lower }}, nn_{{ measure | lower }},
                nx_{{ measure | lower }}, xx_{{ measure | lower }}
            ){{ ',' if not loop.last }}
        {% endfor %}
    ) as measure (measure_code, n, x, nn, nx, xx)
where measure.n > 0
