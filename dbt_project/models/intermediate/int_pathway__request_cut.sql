{{ config(materialized='table') }}
-- One row per request of the years that this build writes again, with what the marts of paths count of it. Those with the same cut_key
-- fall in the same cells.
with request as (
    select
        pathway.*,
        cast(extract(year from pathway.contact_on) as integer) as year_number
    from {{ ref('fct_pathway') }} as pathway
    where {{ in_touched_years('pathway.contact_on', 'int_pathway__touched_cell') }}
)

select
    demand_key,
    person_key,
    {{ surrogate_key('path_cut', ['year_number', 'district_code', 'ausl_code', 'demand_type_key', 'report_target_key']) }} as cut_key,
    year_number,
    district_code,
    ausl_code,
    demand_type_key,
    report_target_key,
    answer_code,
    is_repeated,
    is_return_after_end,
    path_codes,
    path_days,
{% for prefix in ['assessment', 'charge', 'service', 'far', 'adi', 'smac', 'sisam'] %}
    {{ prefix }}_days,
    {{ prefix }}_followed_days,
    {{ prefix }}_status_code,
    {{ prefix }}_link_source_code{{ ',' if not loop.last }}
{% endfor %}
from request
