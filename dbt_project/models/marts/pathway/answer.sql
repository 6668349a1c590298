-- depends_on: {{ ref('int_pathway__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code']
    }},
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code'], 'unique': true}]
) }}
-- One row per year of request, territory and cut: what answered the requests, and how many nothing answered, of those whose window is
-- over. Persons are distinct in each row.
select
    request.year_number,
    place.territory_level,
    place.territory_code,
    cut.cut_type,
    cut.cut_code,
    min(label.cut_label) as cut_label,
    count(*) as n_requests,
    count(distinct request.person_key) as n_persons,
    {% for answer in ['service', 'charge', 'assessment', 'desk', 'none', 'open'] %}
        count(*) filter (where request.answer_code = '{{ answer }}') as n_answer_{{ answer }},
    {% endfor %}
    count(distinct request.person_key) filter (where request.answer_code = 'none') as n_persons_unanswered,
    count(*) filter (where request.is_repeated) as n_repeated,
    count(*) filter (where request.is_return_after_end) as n_returns,
    round(
        100 * cast(count(*) filter (where request.answer_code = 'none') as numeric)
        / nullif(count(*) filter (where request.answer_code <> 'open'), 0), 2
    ) as unanswered_percent
from {{ ref('int_pathway__request_cut') }} as request
{{ path_cuts('request') }}
inner join {{ ref('int_pathway__cut_label') }} as label
    on
        cut.cut_type = label.cut_type
        and cut.cut_code = label.cut_code
group by 1, 2, 3, 4, 5
