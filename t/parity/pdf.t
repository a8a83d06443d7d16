#!/usr/bin/perl
# PDFInfo, which Debian's settings leave off, beside the real SpamAssassin: links in attached PDF
# files, and the hits of its rules; every message of both corpora that speaks of such a file.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::SpamAssassin;

use constant AGREE => 99;    # percent of the messages: one of a hundred

my $build   = $ENV{POTERNE_BUILD} // 'build';
my $program = "$build/t/parity/facts_dump";
my $hits    = "$build/t/parity/rules_hits";
plan skip_all => "$hits is not built" if !-x $hits;
my @paths = grep { Poterne::SpamAssassin::slurp_raw($_) =~ m{/pdf|\.pdf}i } Poterne::SpamAssassin::paths_or_skip( $program, 1 );
plan skip_all => 'no message has a PDF file' if !@paths;

# PDFInfo's own file of rules and some more; beside it the settings of the links' comparison.
my $folder = tempdir( 'poterne-pdf-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
my ( $site, $rules ) = map {"$folder/$_"} qw(site rules);
Poterne::SpamAssassin::write_site($site);
Poterne::SpamAssassin::put( "$site/with.pre", "loadplugin Mail::SpamAssassin::Plugin::PDFInfo\n" );
mkdir $rules or die "$rules: $!\n";
symlink Poterne::SpamAssassin::RULES . '/20_pdfinfo.cf', "$rules/20_pdfinfo.cf" or die "$rules: $!\n";
Poterne::SpamAssassin::put( "$rules/init.pre", map {"loadplugin Mail::SpamAssassin::Plugin::$_\n"} qw(Check PDFInfo) );
Poterne::SpamAssassin::put( "$rules/30_more.cf", <<'RULES' );
body PDF_NAME eval:pdf_name_regex('/\.pdf$/i')
body PDF_TITLE eval:pdf_match_details('title','/./')
body PDF_MAKER eval:pdf_match_details('producer','/Word|Quartz|Skia/')
body PDF_IMAGES eval:pdf_image_count(1)
body PDF_LARGE eval:pdf_image_size_range(300,300)
body PDF_PIXELS eval:pdf_pixel_coverage(100000,900000)
body PDF_ALONE eval:pdf_is_empty_body(200)
body PDF_LOCKED eval:pdf_is_encrypted()
body PDF_ONE eval:pdf_count(1,1)
RULES

# {path}: its links, one a line
sub links_of {
    my @command = @_;
    open my $from, '-|', @command or die "$command[0]: $!\n";
    my ( %found, $path, $section );
    while ( my $line = <$from> ) {
        if    ( $line =~ /^= (.*)/ )       { $found{ $path = $1 } = '' }
        elsif ( $line =~ /^\@([a-z]+)$/ )  { $section = $1 }
        elsif ( $section eq 'uri' )        { $found{$path} .= $line }
    }
    close $from;
    return \%found;
}

# {path}: the names of rules that hit, the last word of a line
sub hits_of {
    my ($command) = @_;
    open my $from, '-|', "$command <$folder/paths" or die "$command: $!\n";
    my %found;
    while (<$from>) {
        chomp;
        my ( $path, @said ) = split /\t/, $_, -1;
        $found{$path} = join ',', grep { !/^__/ } split /,/, $said[-1];
    }
    close $from;
    return \%found;
}

sub compare {
    my ( $what, $theirs, $ours ) = @_;
    my @differ = grep { $theirs->{$_} ne ( $ours->{$_} // 'none' ) } sort keys %$theirs;
    my $alike = 100 - 100 * @differ / @paths;
    cmp_ok( $alike, '>=', AGREE, sprintf '%s: %.1f %% of %d messages alike', $what, $alike, scalar @paths )
        or diag( map {"$_\n"} splice @differ, 0, 10 );
    return;
}

my @rules = map { ( '-r', $_ ) } "$site/site.pre", "$site/with.pre", Poterne::SpamAssassin::RULES, "$site/site.cf";
my $theirs = links_of( $^X, 't/parity/facts.pl', $site, @paths );
is( keys %$theirs, @paths, 'SpamAssassin is through' );
compare( 'links', $theirs, links_of( $program, @rules, @paths ) );

Poterne::SpamAssassin::put( "$folder/paths", map {"$_\n"} @paths );
my $their_hits = hits_of("$^X t/parity/folder_answers.pl $rules 0 1");
cmp_ok( scalar( grep {/PDF_TITLE/} values %$their_hits ), '>', 0, 'some message has a PDF file' );
compare( 'hits', $their_hits, hits_of("$hits -r $rules --messages -") );
done_testing();
