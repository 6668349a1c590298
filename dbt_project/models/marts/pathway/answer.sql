{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code'], 'unique': true}]
) }}
-- One row per year of request, territory and cut: what answered the requests; of those whose window is closed and whose type a flow can
-- answer, after how many no flow of services shows a sequel. Persons are distinct in each row.
{% set answers = ['service', 'charge', 'assessment', 'desk_process', 'desk', 'none'] %}
{% set others = ['open', 'died', 'moved', 'not_followable'] %}
{% set statuses = ['known'] + others %}
with counted as (
    select
        cut.cell_key,
        count(*) as n_requests,
        count(distinct request.person_key) as n_persons,
        {% for answer in answers + others %}
            count(*) filter (where request.answer_code = '{{ answer }}') as n_answer_{{ answer }},
        {% endfor %}
        {% for answer in answers %}
            count(*) filter (where request.is_sequel_known and request.answer_code = '{{ answer }}') as n_known_{{ answer }},
        {% endfor %}
        count(*) filter (where request.is_without_sequel) as n_without_sequel,
        {% for status in statuses %}
            count(*) filter (where request.sequel_status_code = '{{ status }}') as n_sequel_{{ status }},
        {% endfor %}
        min(request.contact_on) filter (where request.is_sequel_known) as known_from_on,
        max(request.contact_on) filter (where request.is_sequel_known) as known_to_on,
        count(distinct request.person_key) filter (where request.is_without_sequel) as n_persons_without_sequel,
        count(*) filter (where request.is_repeated) as n_repeated,
        count(*) filter (where request.is_return_after_end) as n_returns
    from {{ ref('int_pathway__request_cut') }} as request
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on request.cut_key = cut.cut_key
    group by cut.cell_key
),

-- Requests of one person are not as many as those of different ones.
effective as (
    select
        counted.*,
        counted.n_without_sequel / effect.design_effect as x,
        counted.n_sequel_known / effect.design_effect as n
    from counted
    left join {{ ref('int_pathway__design_effect') }} as effect
        on
            counted.cell_key = effect.cell_key
            and effect.measure_code = 'without_sequel'
)

select
    cell.year_number,
    cell.territory_level,
    cell.territory_code,
    cell.cut_type,
    cell.cut_code,
    cell.cut_label,
    effective.n_requests,
    effective.n_persons,
    {% for answer in answers + others %}
        effective.n_answer_{{ answer }},
    {% endfor %}
    {% for answer in answers %}
        effective.n_known_{{ answer }},
    {% endfor %}
    {% for status in statuses %}
        effective.n_sequel_{{ status }},
    {% endfor %}
    effective.n_without_sequel,
    effective.known_from_on,
    effective.known_to_on,
    effective.n_persons_without_sequel,
    effective.n_repeated,
    effective.n_returns,
    round(
        100 * cast(effective.n_without_sequel as numeric) / nullif(effective.n_sequel_known, 0), 2
    ) as without_sequel_percent,
    round(cast(100 * {{ wilson('effective.x', 'effective.n', '-') }} as numeric), 2) as without_sequel_percent_low,
    round(cast(100 * {{ wilson('effective.x', 'effective.n', '+') }} as numeric), 2) as without_sequel_percent_high
from effective
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on effective.cell_key = cell.cell_key
