{{ config(indexes=[{'columns': ['month_on', 'flow_code'], 'unique': true}]) }}
-- One row per month and flow: records that a code had linked, linked again with the code hidden. Identity counts them.
select
    month_on,
    flow_code,
    model_version,
    n_records as n_checked,
    n_right,
    n_wrong,
    n_review,
    n_absent_linked,
    n_twins,
    n_twins_linked,
    round(100 * cast(n_right as numeric) / nullif(n_right + n_wrong, 0), 2) as precision_percent,
    round(100 * cast(n_right as numeric) / nullif(n_records, 0), 2) as recall_percent
from {{ source('landing', 'linkage_check') }}
