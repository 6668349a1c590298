{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code'], 'unique': true}]
) }}
-- One row per year of request, territory and cut: what answered the requests, and how many nothing answered, of those whose window is
-- over. Persons are distinct in each row.
{% set answers = ['service', 'charge', 'assessment', 'desk', 'none', 'open'] %}
with counted as (
    select
        cut.cell_key,
        count(*) as n_requests,
        count(distinct request.person_key) as n_persons,
        {% for answer in answers %}
            count(*) filter (where request.answer_code = '{{ answer }}') as n_answer_{{ answer }},
        {% endfor %}
        count(distinct request.person_key) filter (where request.answer_code = 'none') as n_persons_unanswered,
        count(*) filter (where request.is_repeated) as n_repeated,
        count(*) filter (where request.is_return_after_end) as n_returns
    from {{ ref('int_pathway__request_cut') }} as request
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on request.cut_key = cut.cut_key
    group by cut.cell_key
)

select
    cell.year_number,
    cell.territory_level,
    cell.territory_code,
    cell.cut_type,
    cell.cut_code,
    cell.cut_label,
    counted.n_requests,
    counted.n_persons,
    {% for answer in answers %}
        counted.n_answer_{{ answer }},
    {% endfor %}
    counted.n_persons_unanswered,
    counted.n_repeated,
    counted.n_returns,
    round(
        100 * cast(counted.n_answer_none as numeric) / nullif(counted.n_requests - counted.n_answer_open, 0), 2
    ) as unanswered_percent
from counted
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on counted.cell_key = cell.cell_key
